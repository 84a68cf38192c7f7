import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.scheduling.reloading import WINDOW_S, ReloadWatch

EXACT = st.sampled_from([0.0, 0.25, 0.5, 1.0])  # sums of these do not depend on their order


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


def test_a_box_that_decides_no_frame_has_no_share_to_tell() -> None:
    watch = ReloadWatch()
    for number in range(100):
        watch.note(0.3 * number, 0.2, answered=0, lost=0)

    assert watch.sentence == ""


@given(visits=st.lists(st.tuples(st.integers(0, 6), EXACT, st.integers(0, 3), st.integers(0, 3)), max_size=60))
def test_only_what_is_in_the_window_counts(visits) -> None:
    watch, now, seen = ReloadWatch(), 0.0, []
    for quarters, *figures in visits:
        now += quarters / 4
        seen.append((now, *figures))
        watch.note(now, *figures)

        fresh = ReloadWatch()
        for visit in (visit for visit in seen if visit[0] >= now - WINDOW_S):
            fresh.note(*visit)
        assert watch.sentence == fresh.sentence
