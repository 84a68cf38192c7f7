import pytest

from edge_runtime.scheduling.reloading import ReloadWatch


def watched(*, stalled_s: float, lost: int, visits: int = 100) -> str:
    watch = ReloadWatch()
    for number in range(visits):
        watch.note(0.3 * number, stalled_s, answered=3, lost=lost)
    return watch.sentence


def test_a_reload_loop_is_told_with_what_it_costs() -> None:
    sentence = watched(stalled_s=0.2, lost=3)

    assert "67%" in sentence
    assert "50%" in sentence


@pytest.mark.parametrize(("stalled_s", "lost", "visits"), [(0.05, 3, 100), (0.2, 0, 100), (0.2, 3, 8)])
def test_swaps_that_cost_little_or_lose_nothing_are_no_loop(stalled_s: float, lost: int, visits: int) -> None:
    assert watched(stalled_s=stalled_s, lost=lost, visits=visits) == ""


def test_a_loop_that_ended_is_forgotten() -> None:
    watch = ReloadWatch()
    for number in range(400):
        watch.note(0.3 * number, 0.2 if number < 100 else 0.0, answered=3, lost=3 if number < 100 else 0)

    assert watch.sentence == ""
