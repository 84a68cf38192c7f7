"""A bundle's first minute: what makes a box give it up, and what does not."""

import pytest

from edge_runtime.agent.health_window import HealthWindow, Loss
from edge_runtime.protocol.messages import QuerySample


def sample(query="cars", *, captured=10, lost=0, agreement=None, frames=0):
    return QuerySample(
        query=query,
        captured=captured,
        processed=captured - lost,
        dropped=lost,
        late=0,
        latency_p50_ms=None,
        latency_p95_ms=None,
        swaps=0,
        swap_ms=0.0,
        agreement=agreement,
        agreement_frames=frames,
    )


def window(before=Loss(600, 60)):
    return HealthWindow(0.0, 60.0, before=before, targets={"cars": 0.95}, name="Bundle version 2")


def verdicts(watched, *samples, problems=None, seconds=60):
    """Of every second."""
    found = []
    for second in range(1, seconds + 1):
        watched.note(float(second), samples, (problems or {}) if not callable(problems) else problems(second))
        found.append(watched.verdict(float(second)))
    return found


def first_reason(found):
    return next(verdict.reason for verdict in found if verdict is not None)


def test_says_nothing_until_the_window_has_passed_and_is_healthy_then():
    found = verdicts(window(), sample(lost=1))
    assert found[:-1] == [None] * 59
    assert found[-1].is_healthy


def test_a_model_that_goes_on_failing_ends_it_early():
    found = verdicts(window(), sample(), problems={"cars": "Model cars cannot be run."}, seconds=10)
    assert [verdict is not None for verdict in found].index(True) == 5
    assert "Model cars cannot be run." in first_reason(found)


def test_a_model_that_fails_for_a_moment_does_not():
    found = verdicts(window(), sample(), problems=lambda second: {"cars": "Once."} if second == 20 else {})
    assert found[-1].is_healthy


@pytest.mark.parametrize(("lost", "is_healthy"), [(8, False), (4, True)])
def test_frames_lost_count_against_what_was_lost_before(lost, is_healthy):
    found = [verdict for verdict in verdicts(window(), sample(lost=lost)) if verdict is not None]
    assert found[0].is_healthy is is_healthy
    if not is_healthy:
        assert "80% of the frames, where 10% were lost before" in found[0].reason


def test_a_box_that_lost_as_much_before_is_no_worse_off():
    assert verdicts(window(before=Loss(600, 400)), sample(lost=8))[-1].is_healthy


def test_other_queries_than_before_leave_nothing_to_compare():
    assert verdicts(window(before=None), sample(lost=9))[-1].is_healthy


def test_the_first_loads_do_not_count():
    watched = window()
    verdicts(watched, sample(lost=10), seconds=9)
    assert verdicts_from(watched, 10, sample(lost=0))[-1].is_healthy


def verdicts_from(watched, start, *samples):
    found = []
    for second in range(start, 61):
        watched.note(float(second), samples, {})
        found.append(watched.verdict(float(second)))
    return found


@pytest.mark.parametrize(("agreement", "frames", "is_healthy"), [(0.6, 12, False), (0.6, 3, True), (0.9, 12, True)])
def test_answers_that_are_not_the_originals_end_it(agreement, frames, is_healthy):
    found = [v for v in verdicts(window(), sample(agreement=agreement, frames=frames)) if v is not None]
    assert found[0].is_healthy is is_healthy
    assert is_healthy or "60% of 12 sampled frames" in found[0].reason
