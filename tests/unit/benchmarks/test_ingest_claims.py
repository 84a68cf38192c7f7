"""What is said of the intake of statistics follows from what was measured."""

import msgspec
import pytest

from benchmarks.ingest.claims import Day, Delays, Step, Stored, breaking_point, checks, delays

FAST = Delays(1000, 100.0, 300.0, 400.0)
STEP = Step(1.0, 500.0, 120.0, 60_000, 0, 0.3, FAST, FAST, 5.0, {})
WHOLE = Stored(60_000, 60_000, 0, 0, 120_000, 480_000, 480_000)


def held(step=STEP, stored=WHOLE):
    return [check.is_held for check in checks(500, 2, [step], stored)]


def test_percentiles_are_of_measured_values():
    assert figures(delays([seconds / 1000 for seconds in range(1, 101)])) == (100, 50.0, 99.0, 100.0)
    assert figures(delays([0.25])) == (1, 250.0, 250.0, 250.0)
    assert figures(delays([])) == (0, None, None, None)


def figures(found):
    return msgspec.structs.astuple(found)


def test_all_claims_hold_where_all_went_well():
    assert held() == [True, True, True]


@pytest.mark.parametrize(
    ("changes", "which"),
    [({"to_row": Delays(9, 1.0, 2000.0, 1.0)}, 0), ({"left": 1}, 0), ({"to_browser": Delays(9, 1.0, 1001.0, 1.0)}, 2)],
)
def test_a_step_that_is_too_slow_is_missed(changes, which):
    assert not held(step=msgspec.structs.replace(STEP, **changes))[which]


@pytest.mark.parametrize(
    "changes", [{"rows": 59_999, "missing": 1}, {"rows": 60_001, "twice": 1}, {"query_rows": 1}, {"frames_counted": 1}]
)
def test_one_lost_or_doubled_sample_is_missed(changes):
    assert not held(stored=msgspec.structs.replace(WHOLE, **changes))[1]


def test_what_no_browser_saw_is_not_told():
    assert held(step=msgspec.structs.replace(STEP, to_browser=delays([])))[2] is None


def test_a_day_whose_hours_never_came_or_do_not_add_up_is_missed():
    whole = Day(86_400, 2**20, 100.0, 130.0, 86_400.000001)
    late, short = (
        msgspec.structs.replace(whole, **changes) for changes in ({"added_up_in_s": None}, {"hour_seconds": 86_399.0})
    )
    found = [list(checks(500, 2, [STEP], WHOLE, day))[-1].is_held for day in (whole, late, short)]
    assert found == [True, False, False]


def test_the_end_is_between_what_held_and_what_did_not():
    slow = msgspec.structs.replace(STEP, samples_per_s=900.0, to_row=Delays(9, 1.0, 5000.0, 1.0))
    assert breaking_point([STEP, slow]) == (500.0, 900.0)
    assert breaking_point([STEP]) == (500.0, None)
