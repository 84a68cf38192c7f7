"""`gemel-edge` as a person runs it: one sentence for bad input, a whole box for good."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from edge_runtime.agent.local_endpoint import listening_socket
from edge_runtime.bundles.tensors import tensor_entry
from edge_runtime.protocol.manifest import ModelEntry
from edge_runtime.protocol.target import CameraTarget, QueryTarget
from edge_runtime.scheduling.measured import MeasuredBatch, MeasuredBundle, MeasuredModel, Timing, encode_measured
from edge_runtime.vision.architectures import build
from edge_runtime.vision.spec import ModelSpec
from tests.simulators.box_server import CODE, FleetServer

ROOT = Path(__file__).parents[2]
# One thread: the box shares the cores with whatever else is tested.
QUIET = os.environ | {"OMP_NUM_THREADS": "1"}
SPEC = ModelSpec("resnet18_w24", ("quiet", "busy"), (64, 64))


def command(*arguments):
    return [sys.executable, "-m", "edge_runtime", *map(str, arguments)]


def gemel_edge(*arguments):
    return subprocess.run(command(*arguments), cwd=ROOT, capture_output=True, text=True, env=QUIET, timeout=120)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "--memory-budget", "many"), '"many" is no size'),
        (("run", "--state-dir", "/nowhere/at/all"), "not enrolled yet"),
        (("run", "--results-limit", "much"), '"much" is no size'),
        (("enrol", "--server", "fleet", "--code", "x"), "is no server address"),
        (("enrol", "--server", "http://127.0.0.1:9", "--code", "x", "--state-dir", "{tmp}"), "cannot be reached"),
    ],
)
def test_bad_input_gives_one_sentence(tmp_path, arguments, words):
    result = gemel_edge(*(argument.replace("{tmp}", str(tmp_path)) for argument in arguments))
    assert result.returncode == 2
    assert words in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert "Traceback" not in result.stderr


@pytest.fixture
def measured_file(tmp_path):
    """Three models of one network, each 10 MB and 20 ms a frame, behind a link of 50 MB/s."""
    timing = Timing(20.0, 20.0, 20.0)
    models = tuple(
        MeasuredModel(
            slot, "resnet18_w24", {f"{slot}{layer}": 2_000_000 for layer in range(5)}, timing, (batch_of_one(timing),)
        )
        for slot in ("cars", "people", "lorries")
    )
    path = tmp_path / "profile.json"
    path.write_bytes(encode_measured(MeasuredBundle("bundle", "here", "2026-05-04", 9, 0, 50e6, models)))
    return path


def batch_of_one(timing):
    return MeasuredBatch(1, timing, 1_000_000)


def test_check_says_that_all_is_well_where_all_models_fit(measured_file):
    result = gemel_edge("check", measured_file, "--memory", "all")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("100% of the frames in time")
    assert len(result.stdout.splitlines()) == 1


def test_check_names_who_loses_and_what_would_help_and_ends_with_one(measured_file, tmp_path):
    workload = tmp_path / "workload.json"
    terms = {"rate_fps": 5, "deadline_ms": 400}
    queries = [{"query": f"find {slot}", "slot": slot, **terms} for slot in ("cars", "people")]
    workload.write_text(json.dumps({"queries": queries}))
    result = gemel_edge("check", measured_file, "--memory", "11MiB", "--workload", workload)
    assert (result.returncode, result.stderr) == (1, "")
    assert "The box cannot keep up: query find" in result.stdout
    assert "9.5 MiB instead of" in result.stdout  # merged, the three would take what one takes
    assert "With a memory budget of" in result.stdout


def test_check_refuses_a_budget_that_holds_no_model(measured_file):
    result = gemel_edge("check", measured_file, "--memory", "5MiB")
    assert result.returncode == 2
    assert "too small: the model of query cars alone needs" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_box_joins_runs_a_model_on_a_scene_and_ends_when_told(tmp_path):
    with FleetServer() as server:
        wrong = gemel_edge("enrol", "--server", server.url, "--code", "WRONG", "--state-dir", tmp_path)
        assert (wrong.returncode, list(tmp_path.iterdir())) == (2, [])
        assert "join code" in wrong.stderr
        right = gemel_edge("enrol", "--server", server.url, "--code", CODE, "--state-dir", tmp_path)
        assert right.returncode == 0, right.stderr
        publish(server)
        taken = listening_socket("127.0.0.1:0")
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        options = ("run", "--memory-budget", "30MiB", "--state-dir", tmp_path, "--listen", address)
        refused = gemel_edge(*options)
        assert (refused.returncode, "Choose another port" in refused.stderr) == (2, True)
        taken.close()
        results = tmp_path / "results.jsonl"
        box = subprocess.Popen(command(*options, "--results", results), cwd=ROOT, env=QUIET)
        try:
            assert_processes(server)
            assert_told_what_it_measured(server)
            assert_tells_results_on_the_spot(results, address)
            assert_refuses_what_does_not_fit(server, box)
            started = time.monotonic()
            box.send_signal(signal.SIGTERM)
            assert box.wait(10) == 0
            assert time.monotonic() - started < 3
        finally:
            box.kill()


def publish(server):
    state = build(SPEC).state_dict()
    entries = {name: tensor_entry(tensor) for name, tensor in state.items()}
    model = ModelEntry("s1", "classification", SPEC.architecture, SPEC.classes, SPEC.input_size, entries)
    server.change(
        cameras=(CameraTarget("c1", "Crossing", "scene://crossing?seed=1"),),
        queries=(QueryTarget("q1", "Traffic", "s1", "c1", ("busy",), 5.0, 2000, 0.95),),
    )
    server.publish((model,), {entries[name].digest: tensor for name, tensor in state.items()}, version=1)


def assert_told_what_it_measured(server):
    until(lambda: server.measured)
    told = server.measured[-1]
    assert (told.policy, told.budget_bytes) == ("layerwise", 30 * 2**20)
    (network,) = told.networks
    assert (network.architecture, network.input_size, network.classes) == ("resnet18_w24", (64, 64), 2)
    assert network.batches[0].size == 1
    assert network.batches[0].run_ms > 0


def assert_processes(server):
    until(lambda: any(query.processed for stats in server.stats for query in stats.queries))
    memory = server.stats[-1].memory
    parts = memory.private + memory.shared + memory.activations + memory.overhead + memory.free
    assert parts == memory.budget == 30 * 2**20


def assert_tells_results_on_the_spot(results, address):
    until(lambda: results.exists() and results.read_bytes().count(b"\n") >= 2)
    lines = [json.loads(line) for line in results.read_bytes().splitlines()[:2]]
    assert {(line["query"], line["name"], line["camera"]) for line in lines} == {("q1", "Traffic", "c1")}
    assert lines[0]["frame"] < lines[1]["frame"]
    assert abs(lines[1]["at"] - time.time()) < 120
    assert lines[0]["answer"]["label"] in SPEC.classes
    with httpx.Client(base_url=f"http://{address}", trust_env=False, timeout=30) as client:
        (newest,) = client.get("/results").json()["results"]
        assert newest["frame"] >= lines[1]["frame"]
        assert client.get("/health").json()["answers_missed"] == 0
        assert [query["query"] for query in client.get("/queries").json()["queries"]] == ["q1"]
        picture = client.get("/cameras/c1/picture")
        assert (picture.headers["content-type"], picture.content[:2]) == ("image/jpeg", b"\xff\xd8")


def assert_refuses_what_does_not_fit(server, box):
    """resnet18 alone takes more than the budget: the box keeps its model and says so."""
    spec = ModelSpec("resnet18", ("quiet", "busy"), (64, 64))
    state = build(spec).state_dict()  # not zeros: equal tensors are one tensor, and then it would fit
    entries = {name: tensor_entry(tensor) for name, tensor in state.items()}
    model = ModelEntry("s1", "classification", spec.architecture, spec.classes, spec.input_size, entries)
    server.publish((model,), {entries[name].digest: tensor for name, tensor in state.items()}, version=2)
    until(lambda: server.reports[-1].state == "not at target" and "30.0 MiB" in server.reports[-1].sentence)
    assert server.reports[-1].bundle_version == 1
    before = len(server.stats)
    until(lambda: any(query.processed for stats in server.stats[before:] for query in stats.queries))
    assert box.poll() is None


def until(condition, timeout_s=120.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)
