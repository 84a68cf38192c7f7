import pytest

from workers.merging.forecast import is_hopeless, is_worth_extending, seconds_left


def test_gives_up_on_a_query_that_stands_still_far_below_target():
    assert is_hopeless([0.5, 0.6, 0.6, 0.6, 0.6, 0.6], 0.95, done_fraction=0.6)


def test_goes_on_while_the_gain_could_still_reach_the_target():
    assert not is_hopeless([0.3, 0.4, 0.5, 0.7, 0.8, 0.85], 0.95, done_fraction=0.6)


def test_goes_on_with_a_query_that_swings_just_below_target():
    assert not is_hopeless([0.9, 0.94, 0.91, 0.93, 0.88, 0.93], 0.95, done_fraction=0.6)


def test_never_gives_up_in_the_first_half():
    assert not is_hopeless([0.1, 0.1, 0.1, 0.1], 0.95, done_fraction=0.4)


def test_never_gives_up_on_a_query_at_target():
    assert not is_hopeless([0.96, 0.96, 0.96, 0.95], 0.95, done_fraction=0.9)


def test_expects_between_the_next_evaluation_and_all_planned_steps():
    assert seconds_left(seconds_per_step=2.0, step=30, planned=100, evaluate_every=25) == (40.0, 140.0)


@pytest.mark.parametrize("step", [100, 99])
def test_never_expects_more_until_the_next_evaluation_than_until_the_end(step: int):
    low, high = seconds_left(seconds_per_step=1.0, step=step, planned=100, evaluate_every=30)
    assert low <= high == 100 - step


def test_never_gives_up_shortly_before_the_end():
    assert not is_hopeless([0.5, 0.6, 0.6, 0.6, 0.6, 0.6], 0.95, done_fraction=0.85)


def test_goes_on_beyond_the_plan_while_gains_promise_the_target():
    assert is_worth_extending([0.4, 0.6, 0.8, 0.88], 0.95, extension=0.5)


def test_stops_at_the_plan_without_gains():
    assert not is_worth_extending([0.7, 0.8, 0.8, 0.8], 0.95, extension=0.5)


def test_counts_a_query_at_target_as_no_obstacle_to_going_on():
    assert is_worth_extending([0.9, 0.96], 0.95, extension=0.5)
