"""What a comparison says of results is tested on results made by hand; that it makes them, on noise pictures."""

import json
import sys
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file
from typer.testing import CliRunner

import workers.merging.comparison as comparison_module
from edge_runtime.vision.architectures import build
from tests.unit.merging.test_fit import SPEC, workload, write_frames
from workers.merging.cli import app
from workers.merging.comparison import Reached, Violation, compare, gathered, read_comparison, write_comparison
from workers.merging.events import Basis, QueryFigures
from workers.merging.plot import PlotUnavailable, curve, plot_comparison
from workers.merging.result import QueryResult, Result, Saving
from workers.merging.run import RunOptions, merge
from workers.merging.strategies import UnknownStrategy
from workers.merging.training import TrainingSettings
from workers.merging.workload import WorkloadError

QUICK = RunOptions(sample_limit=16, training=TrainingSettings(batch=4, least_steps=2, most_steps=2, evaluate_every=1))


def figures(relative, lower, upper, target=0.95):
    return QueryFigures(
        "a", 0.9, 0.9 * relative, relative, lower, upper, Basis.RELATIVE_ACCURACY, target, lower >= target
    )


def result(strategy, *savings, queries=()):
    """1000 bytes before, of which 800 could be saved; `savings` are (seconds, samples, bytes)."""
    found = tuple(
        Saving(seconds, samples, saved, number) for number, (seconds, samples, saved) in enumerate(savings, 1)
    )
    saved = found[-1].saved_bytes if found else 0
    return Result(
        strategy=strategy,
        seed=1,
        bytes_before=1000,
        bytes_after=1000 - saved,
        saved_fraction=saved / 1000,
        optimum_fraction=saved / 800,
        seconds=100.0,
        samples_seen=5000,
        steps=(),
        merged_groups=(),
        queries=queries,
        finished=True,
        savings=found,
    )


def test_measures_the_others_by_when_they_had_saved_as_much_as_gemel_in_the_end():
    found = gathered(
        {
            "gemel": result("gemel", (10, 900, 300), (40, 2400, 600)),
            "optimistic": result("optimistic", (5, 100, 400), (10, 600, 700), (20, 900, 800)),
            "stem": result("stem", (1, 10, 100)),
        },
        RunOptions(),
    )
    by_name = {one.strategy: one for one in found.strategies}
    assert by_name["optimistic"].reached == Reached(700, 10.0, 600, seconds_fraction=0.25, samples_fraction=0.25)
    assert by_name["gemel"].reached.samples_fraction == 1.0
    assert by_name["stem"].reached is None
    assert (found.bytes_before, found.optimum_bytes) == (1000, 800)


def test_says_nothing_of_reaching_what_gemel_never_saved():
    found = gathered({"gemel": result("gemel"), "stem": result("stem", (1, 10, 100))}, RunOptions())
    assert [one.reached for one in found.strategies] == [None, None]
    assert found.optimum_bytes == 800


def test_lists_validation_by_its_lower_bound_and_test_by_the_figure_itself():
    proven, unproven, missed = figures(0.98, 0.96, 1.0), figures(0.96, 0.94, 0.99), figures(0.92, 0.9, 0.94)
    queries = (
        QueryResult("holds", 0.95, "g", proven, unproven),
        QueryResult("misses", 0.95, "g", unproven, missed),
        QueryResult("original", 0.95, None, None, None),
    )
    found = gathered({"stem": result("stem", (1, 10, 100), queries=queries)}, RunOptions())
    assert found.strategies[0].violations == (
        Violation("misses", "validation", 0.96, 0.94, 0.99, 0.95, is_certain=False),
        Violation("misses", "test", 0.92, 0.9, 0.94, 0.95, is_certain=True),
    )


def test_keeps_a_comparison_as_it_is(tmp_path):
    found = gathered({"gemel": result("gemel", (10, 900, 300)), "stem": "It broke."}, RunOptions(time_limit_s=60.0))
    write_comparison(tmp_path / "deep" / "c.json", found)
    assert read_comparison(tmp_path / "deep" / "c.json") == found


@pytest.fixture
def file(tmp_path):
    """Two random networks without labels: they agree with themselves."""
    write_frames(tmp_path / "frames", labels=False)
    (tmp_path / "w").mkdir()
    for name in "ab":
        torch.manual_seed(ord(name))
        save_file(build(SPEC).state_dict(), tmp_path / "w" / f"{name}.safetensors")
    return workload(tmp_path, "a", "b")


def test_runs_every_strategy_on_the_same_data_and_goes_on_where_one_fails(file, tmp_path, monkeypatch):
    loaded, kept = [], []

    def failing(file, out, options, *, queries, **more):
        loaded.append(queries)
        if options.strategy == "gemel":
            raise RuntimeError("out of memory")
        return merge(file, out, options, queries=queries, **more)

    monkeypatch.setattr(comparison_module, "merge", failing)
    found = compare(file, tmp_path / "runs", ("gemel", "maximal"), QUICK, done=kept.append)
    assert [one.error for one in found.strategies] == ["RuntimeError: out of memory", None]
    assert found.strategies[1].optimum_fraction == pytest.approx(1.0)
    assert loaded[0] is loaded[1]
    assert [len(one.strategies) for one in kept] == [1, 2]


def test_takes_up_a_comparison_that_was_cut_off(file, tmp_path):
    first = compare(file, tmp_path / "runs", ("maximal",), QUICK)
    again = compare(file, tmp_path / "runs", ("maximal", "stem"), replace(QUICK, resume=True))
    assert again.strategies[0] == first.strategies[0]
    assert (tmp_path / "runs" / "maximal" / "events.jsonl").read_text().count('"started"') == 1
    assert [one.strategy for one in again.strategies] == ["maximal", "stem"]


def test_ends_with_the_strategy_that_was_cancelled(file, tmp_path):
    found = compare(file, tmp_path / "runs", ("maximal", "stem"), QUICK, is_cancelled=lambda: True)
    assert [(one.strategy, one.finished) for one in found.strategies] == [("maximal", False)]


@pytest.mark.parametrize(
    ("names", "expected"),
    [(("stem", "guess"), UnknownStrategy), (("stem", "stem"), WorkloadError), ((), WorkloadError)],
)
def test_refuses_strategies_before_any_runs(file, tmp_path, names, expected):
    with pytest.raises(expected):
        compare(file, tmp_path / "runs", names, QUICK)
    assert not (tmp_path / "runs").exists()


def test_draws_steps_from_nothing_saved_to_the_end_of_the_run():
    found = gathered({"stem": result("stem", (1, 10, 100))}, RunOptions()).strategies[0]
    assert [(at.seconds, at.samples_seen, at.saved_bytes) for at in curve(found)] == [
        (0, 0, 0),
        (1, 10, 100),
        (100.0, 5000, 100),
    ]


def test_draws_a_picture(tmp_path):
    found = gathered({"gemel": result("gemel", (10, 900, 300)), "stem": "It broke."}, RunOptions())
    plot_comparison(found, tmp_path / "c.png")
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")


def test_says_what_to_do_without_matplotlib(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(PlotUnavailable, match="pip install matplotlib"):
        plot_comparison(gathered({}, RunOptions()), tmp_path / "c.png")


def test_says_which_pictures_it_can_write(tmp_path):
    with pytest.raises(PlotUnavailable, match=r"c\.doc; end its name in \.png"):
        plot_comparison(gathered({}, RunOptions()), tmp_path / "c.doc")


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        (("--plot", "c.doc"), "end its name in"),
        (("--plot", "{folder}"), "cannot be written"),
        (("--device", "abacus"), 'no device "abacus"'),
        (("--strategies", ","), "No strategy is named"),
        (("--time-limit", "soon"), "no duration"),
    ],
)
def test_refuses_options_before_anything_is_run(file, tmp_path, option, expected):
    command = ["compare", str(tmp_path / "WORKLOAD.yaml"), "--json", str(tmp_path / "c.json")]
    found = CliRunner().invoke(app, command + [word.format(folder=tmp_path) for word in option])
    assert found.exit_code == 2
    assert expected in found.output
    assert not (tmp_path / "c-runs").exists()


def test_compares_from_the_command_line(file, tmp_path):
    command = ["compare", str(tmp_path / "WORKLOAD.yaml"), "--json", str(tmp_path / "c.json"), "--threads", "1"]
    command += ["--strategies", "maximal, stem", "--plot", str(tmp_path / "c.png"), "--sample-limit", "16", "--repeats"]
    found = CliRunner().invoke(app, command)
    assert found.exit_code == 0, found.output
    assert "Accuracy on test frames" in found.output
    written = json.loads((tmp_path / "c.json").read_text())
    assert [one["strategy"] for one in written["strategies"]] == ["maximal", "stem"]
    assert written["joins_repeats"]
    assert json.loads((tmp_path / "c-runs" / "maximal" / "result.json").read_text())["joins_repeats"]
    assert (tmp_path / "c.png").exists()
    assert (tmp_path / "c-runs" / "stem" / "result.json").exists()
