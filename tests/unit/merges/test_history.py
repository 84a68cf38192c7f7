"""What a page draws of a merge run, and its figures."""

import pytest

from webapp.merges.history import MOST_EVALUATIONS, Measured, shown_events, summarise
from webapp.merges.models import MergeRun, MergeRunQuery

FIGURES = {
    "name": "cars-1",
    "relative_accuracy": 0.97,
    "lower_bound": 0.95,
    "upper_bound": 0.99,
    "basis": "relative accuracy",
}
CARS = MergeRunQuery(name="cars (1)", accuracy_target=0.95)
TRUCKS = MergeRunQuery(name="trucks", accuracy_target=0.9)


def _evaluated(step: int) -> dict:
    return {"type": "evaluated", "step": step}


def test_shows_every_event_of_an_ordinary_run() -> None:
    events = [{"type": "started"}, *(_evaluated(step) for step in range(MOST_EVALUATIONS)), {"type": "accepted"}]
    assert shown_events(events) == events


def test_thins_very_many_evaluations_but_keeps_the_newest_and_all_else_in_order() -> None:
    events = [{"type": "started"}, *(_evaluated(step) for step in range(1001)), {"type": "accepted"}]

    shown = shown_events(events)
    steps = [event["step"] for event in shown if event["type"] == "evaluated"]
    assert len(steps) <= MOST_EVALUATIONS
    assert steps[-1] == 1000
    assert steps == sorted(steps)
    assert (shown[0]["type"], shown[-1]["type"]) == ("started", "accepted")


def test_sums_up_an_ended_run_by_its_result_under_the_names_that_people_gave() -> None:
    test = FIGURES | {"relative_accuracy": 0.96}
    result = {
        "seconds": 90.0,
        "samples_seen": 640,
        "optimum_fraction": 0.8,
        "names": {"cars-1": "cars (1)"},
        "queries": [
            {"name": "cars-1", "validation": FIGURES, "test": test},
            {"name": "trucks", "validation": None, "test": None},
        ],
    }
    run = MergeRun(bytes_before=200, bytes_after=50, result=result)

    summary = summarise(run, [CARS, TRUCKS], [{"type": "finished", "seconds": 91.0}])
    cars, trucks = summary.queries
    assert (summary.saved_bytes, summary.saved_fraction, summary.optimum_fraction) == (150, 0.75, 0.8)
    assert (summary.seconds, summary.samples_seen) == (91.0, 640)  # as the page counts them live
    assert cars.validation == Measured(0.97, 0.95, 0.99)
    assert cars.test == Measured(0.96, 0.95, 0.99)
    assert cars.is_at_target
    assert trucks.validation is None
    assert not trucks.is_at_target


def test_sums_up_a_running_run_by_its_newest_event() -> None:
    figures = FIGURES | {"name": "cars (1)", "lower_bound": 0.94}
    newest = {"type": "evaluated", "seconds": 12.5, "samples_seen": 64, "queries": [figures]}

    summary = summarise(MergeRun(bytes_before=200, bytes_after=200), [CARS, TRUCKS], [{"type": "started"}, newest])
    assert (summary.seconds, summary.samples_seen, summary.optimum_fraction) == (12.5, 64, None)
    assert summary.queries[0].basis == "relative accuracy"
    assert not summary.queries[0].is_at_target
    assert summary.queries[1].validation is None


def test_a_run_of_which_nothing_was_heard_yet_has_figures_all_the_same() -> None:
    summary = summarise(MergeRun(), [CARS], [])
    assert (summary.saved_fraction, summary.samples_seen, summary.seconds) == (None, 0, 0.0)


@pytest.mark.parametrize(("limit_s", "seconds", "expected"), [(60, 61.5, True), (60, 42.0, False), (0, 42.0, False)])
def test_knows_whether_the_limit_ended_the_search(limit_s: int, seconds: float, expected: bool) -> None:
    """A result that was imported had no limit."""
    run = MergeRun(time_limit_s=limit_s, result={"seconds": seconds})
    assert summarise(run, [], []).is_ended_by_limit is expected
