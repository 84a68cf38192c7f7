import io
import json
import os

import pytest
import torch
from safetensors.torch import save_file
from typer.testing import CliRunner

from edge_runtime.vision.architectures import build
from edge_runtime.vision.spec import ModelSpec
from workers.merging.cli import app
from workers.merging.cli.session import DurationError, parse_duration, reader_is_gone

SPEC = ModelSpec("resnet18_w24", ("day", "night"), (32, 32))
QUERY = """\
  - name: {name}
    task: {task}
    model: {{architecture: resnet18_w24, weights: {name}.safetensors, classes: [day, night], input_size: [32, 32]}}
    data: {{format: frames, train: frames}}
"""


@pytest.fixture
def workload(tmp_path):
    for name in "ab":
        torch.manual_seed(ord(name))
        save_file(build(SPEC).state_dict(), tmp_path / f"{name}.safetensors")
    path = tmp_path / "WORKLOAD.yaml"
    path.write_text("queries:\n" + "".join(QUERY.format(name=name, task="classification") for name in "ab"))
    return path


def refused(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    return result.output


def test_inspects_as_json(workload):
    result = CliRunner().invoke(app, ["inspect", str(workload), "--json"])
    report = json.loads(result.output)
    assert result.exit_code == 0
    assert [model["query"] for model in report["models"]] == ["a", "b"]
    assert report["pairs"][0]["saved_bytes"] == report["optimum_bytes"] > 0.45 * report["bytes"]


def test_inspects_as_a_table(workload):
    result = CliRunner().invoke(app, ["inspect", str(workload)])
    assert "would save" in result.output


def test_refuses_weights_that_do_not_fit(workload):
    save_file({"x": torch.zeros(1)}, workload.parent / "b.safetensors")
    assert 'Query "b": These weights do not fit' in refused("inspect", workload)


def test_refuses_weights_that_are_no_numbers(workload):
    state = build(SPEC).state_dict()
    state["fc.weight"].fill_(float("nan"))
    save_file(state, workload.parent / "a.safetensors")
    assert 'query "a" hold values that are no numbers' in refused("inspect", workload)


def test_refuses_a_pickle_in_place_of_weights(workload):
    torch.save({"x": 1}, workload.parent / "a.safetensors")
    assert 'The weights of query "a"' in refused("inspect", workload)


def test_refuses_an_architecture_of_another_task(workload):
    workload.write_text("queries:\n" + QUERY.format(name="a", task="detection"))
    assert "made for classification" in refused("inspect", workload)


def test_refuses_missing_frames_and_leaves_a_failed_event(workload, tmp_path):
    assert 'Query "a"' in refused("run", workload, "--out", tmp_path / "out")
    last = json.loads((tmp_path / "out" / "events.jsonl").read_text().splitlines()[-1])
    assert last["type"] == "failed"


def test_refuses_an_unknown_strategy(workload, tmp_path):
    assert "no merge strategy" in refused("run", workload, "--out", tmp_path / "out", "--strategy", "guess")


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("5m", 300), ("1.5 h", 5400)])
def test_reads_durations(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "five", "-3m", "0m", "3 days"])
def test_refuses_what_is_no_duration(text):
    with pytest.raises(DurationError):
        parse_duration(text)


def test_a_run_notices_that_whoever_reads_its_events_is_gone():
    reading, writing = os.pipe()
    with open(writing, "w") as stream:
        is_alone = reader_is_gone(stream)
        assert not is_alone()
        os.close(reading)
        assert is_alone()


def test_a_run_that_writes_to_no_pipe_is_never_alone(tmp_path):
    with (tmp_path / "events").open("w") as stream:
        assert not reader_is_gone(stream)()
    assert not reader_is_gone(io.StringIO())()
