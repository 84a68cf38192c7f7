import pytest

from edge_runtime.scheduling.admission import BudgetTooSmall
from edge_runtime.scheduling.assessment import assess
from edge_runtime.scheduling.reloading import ReloadWatch
from edge_runtime.scheduling.words import Budget, Profiles
from edge_runtime.scheduling.workload import QueryLoad, Workload
from tests.simulators.profiles import profile


def ask(*slots: str, rate_fps: float = 5.0, deadline_ms: int = 300) -> Workload:
    return Workload(tuple(QueryLoad(f"query-{slot}", slot, rate_fps, deadline_ms) for slot in slots))


def apart(*slots: str, **options) -> Profiles:
    return Profiles(tuple(profile(slot, {slot: 100}, **options) for slot in slots))


def test_a_workload_that_fits_and_has_time_is_met_without_a_word() -> None:
    assessment = assess(ask("cars", "people"), apart("cars", "people"), Budget(500))

    assert assessment.is_met
    assert assessment.sentence == ""
    assert assessment.computing == pytest.approx(2 * 5 * 0.010, rel=0.05)
    assert assessment.swapping == 0


def test_a_shortage_of_memory_is_told_with_the_budget_that_would_do() -> None:
    # Room for one of three; each load takes 200 ms.
    assessment = assess(ask("a", "b", "c"), apart("a", "b", "c"), Budget(110, load_bytes_per_s=500))

    assert not assessment.is_met
    assert assessment.swapping > 0.5
    assert "merge the models" in assessment.advice[0]
    assert "340 B" in assessment.advice[0]  # 300 of weights and four frames' activations
    assert assessment.advice[0] in assessment.sentence


def test_a_shortage_of_time_is_told_with_the_share_of_the_rates_that_would_do() -> None:
    # Twice 16 frames/s of 45 ms each in batches of four, of 80 ms alone: more than all of the time.
    assessment = assess(ask("a", "b", rate_fps=16, deadline_ms=250), apart("a", "b", run_ms=80), Budget(10_000))

    assert not assessment.is_met
    (advice,) = assessment.advice
    assert "of the frame rates" in advice
    share = float(advice.split("%")[0].split()[-1]) / 100
    slower = ask("a", "b", rate_fps=16 * share, deadline_ms=250)
    assert assess(slower, apart("a", "b", run_ms=80), Budget(10_000)).is_met


def test_a_deadline_shorter_than_a_run_is_told_as_that() -> None:
    assessment = assess(ask("a", deadline_ms=50), apart("a", run_ms=80), Budget(1_000))

    assert "80 ms" in assessment.sentence
    assert "50 ms" in assessment.sentence
    assert assessment.lost == {"query-a": 1.0}


def test_a_budget_below_one_model_is_refused_not_assessed() -> None:
    with pytest.raises(BudgetTooSmall):
        assess(ask("a"), apart("a"), Budget(50))


def test_a_box_without_queries_is_met() -> None:
    assert assess(Workload(()), apart("a"), Budget(200)).is_met


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
