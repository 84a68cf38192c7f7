"""The simulated box: by hand on small cases, and laws on random ones."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.scheduling.admission import full_budget, smallest_budget
from edge_runtime.scheduling.policies import POLICIES
from edge_runtime.scheduling.simulation import Outcome, SlotUnprofiled, simulate
from edge_runtime.scheduling.words import Batch, Budget, ModelProfile, Profiles
from edge_runtime.scheduling.workload import QueryLoad, Workload, WorkloadUnreadable, decode_workload
from tests.simulators.profiles import profile

TENSORS = {f"t{number}": 300_000 * (number + 1) for number in range(8)}


def load(slot: str, **options) -> QueryLoad:
    given = {"rate_fps": 10.0, "deadline_ms": 300, "phase": 0.0} | options
    return QueryLoad(f"query-{slot}", slot, **given)


def test_every_frame_of_a_box_with_time_and_room_is_processed() -> None:
    profiles = Profiles((profile("cars", {"a": 100}), profile("signs", {"b": 100})))

    outcome = simulate(Workload((load("cars"), load("signs"))), profiles, Budget(1_000), seconds=10)

    assert [(query.captured, query.processed) for query in outcome.queries] == [(100, 100), (100, 100)]
    assert outcome.swap_bytes == 200
    assert outcome.peak_bytes == 200 + 10
    assert outcome.running_s == pytest.approx(2.0)
    assert outcome.stalled_s == 0
    assert outcome.queries[0].answered == list(range(100))


def test_runs_take_longer_by_as_much_of_their_weights_as_came_anew() -> None:
    def busy_s(shared_bytes: int, limit_bytes: int) -> float:
        batches = (Batch(1, 10.0, 10, after_load_ms=15.0),)
        models = tuple(ModelProfile(slot, {"both": shared_bytes, slot: 100}, batches) for slot in "ab")
        queries = (load("a", deadline_ms=900, rate_fps=1.0), load("b", deadline_ms=900, rate_fps=1.0, phase=0.5))
        budget = Budget(limit_bytes, load_bytes_per_s=1000)
        return simulate(Workload(queries), Profiles(models), budget, seconds=10, warm_up_s=2).running_s

    assert busy_s(0, 220) == pytest.approx(20 * 0.010)  # both are there
    assert busy_s(0, 110) == pytest.approx(20 * 0.015)  # every visit loads all
    assert busy_s(300, 410) == pytest.approx(20 * 0.01125)  # and here a quarter


def test_runs_take_longer_by_as_long_as_something_is_copied_beside_them() -> None:
    def run_s(small_bytes: int) -> float:
        batches = (Batch(1, 100.0, 10, beside_copy_ms=200.0),)
        models = (ModelProfile("a", {"a": 100}, batches), ModelProfile("b", {"b": small_bytes}, batches))
        queries = (load("a", rate_fps=1.0, deadline_ms=900), load("b", rate_fps=1.0, deadline_ms=900))
        budget = Budget(1_000, load_bytes_per_s=1000)
        return simulate(Workload(queries), Profiles(models), budget, seconds=0.9).running_s

    # Beside the first run the other model is copied; nothing is copied any more beside the second one.
    assert run_s(small_bytes=25) == pytest.approx(0.125 + 0.1)
    assert run_s(small_bytes=400) == pytest.approx(0.2 + 0.1)


def test_the_runtimes_own_work_takes_the_time_that_was_measured() -> None:
    def in_time(limit_bytes: int, deadline_ms: int) -> float:
        profiles = Profiles((profile("a", {"a": 100}), profile("b", {"b": 100})))
        queries = (load("a", rate_fps=1.0, deadline_ms=deadline_ms), load("b", rate_fps=1.0, phase=0.5))
        budget = Budget(limit_bytes, load_bytes_per_s=1000, visit_ms=5.0, short_visit_ms=20.0)
        outcome = simulate(Workload(queries), profiles, budget, seconds=10, warm_up_s=4)
        return outcome.queries[0].processed / outcome.queries[0].captured

    assert (in_time(220, deadline_ms=16), in_time(220, deadline_ms=14)) == (1, 0)  # and the run of 10 ms
    assert (in_time(110, deadline_ms=131), in_time(110, deadline_ms=129)) == (1, 0)  # a load of 100 ms, too


def test_time_is_counted_from_the_warm_up_to_the_last_frame() -> None:
    slow = ModelProfile("slow", {"a": 100}, (Batch(1, 400.0, 10),))

    outcome = simulate(Workload((load("slow", deadline_ms=900),)), Profiles((slow,)), Budget(1_000), seconds=1.0)

    assert outcome.processed > 2  # the last of them after the second
    assert outcome.running_s == pytest.approx(1.0)


def test_switching_to_a_model_takes_the_time_that_was_measured_for_as_many_tensors_as_came_anew() -> None:
    # Each visit loads for 100 ms, switches and runs for 10 ms; a frame in two seconds of each leaves time to look.
    def in_time(switch_ms: float, deadline_ms: int, limit_bytes: int, *shared: str) -> float:
        tensors = {slot: dict.fromkeys(shared, 1) | {slot: 100} for slot in "ab"}
        models = tuple(ModelProfile(slot, tensors[slot], (Batch(1, 10.0, 10),), switch_ms) for slot in "ab")
        queries = (load("a", deadline_ms=deadline_ms, rate_fps=0.5), load("b", rate_fps=0.5, phase=0.5))
        budget = Budget(limit_bytes, load_bytes_per_s=1000)
        outcome = simulate(Workload(queries), Profiles(models), budget, seconds=20, warm_up_s=4)
        return outcome.queries[0].processed / outcome.queries[0].captured

    assert in_time(switch_ms=20, deadline_ms=131, limit_bytes=110) == 1
    assert in_time(switch_ms=20, deadline_ms=129, limit_bytes=110) == 0
    assert in_time(20, 11, 220) == 1  # nothing leaves, so nothing is switched
    assert [in_time(40, deadline_ms, 111, "shared") for deadline_ms in (131, 129)] == [1, 0]  # half of the tensors


def test_memory_that_starts_full_holds_what_fits_without_a_copy() -> None:
    profiles = Profiles(tuple(profile(slot, {slot: 100}) for slot in "abc"))
    queries = tuple(load(slot, rate_fps=1.0, deadline_ms=900) for slot in "abc")

    def started_full(limit_bytes: int) -> Outcome:
        budget = Budget(limit_bytes, load_bytes_per_s=10)  # ten seconds for each model
        return simulate(Workload(queries), profiles, budget, seconds=5, starts_full=True)

    assert (started_full(310).swap_bytes, started_full(310).processed) == (0, 15)
    assert started_full(309).swap_bytes > 0
    assert started_full(309).peak_bytes <= 309


def test_swaps_take_the_time_of_their_bytes_and_late_frames_are_lost() -> None:
    # One of the two fits. A load takes 100 ms, a run 10 ms, and the deadline of 115 ms leaves time for one of each.
    profiles = Profiles((profile("cars", {"a": 100}), profile("signs", {"b": 100})))
    queries = (load("cars", rate_fps=2.0, deadline_ms=115), load("signs", rate_fps=2.0, deadline_ms=115))

    outcome = simulate(Workload(queries), profiles, Budget(110, load_bytes_per_s=1000), "time-sharing", seconds=10)

    assert outcome.captured == 40
    # Of the two frames of a moment the second one's load ends at 210 ms at the earliest. It is lost; the next load is
    # its model's, which is there already: so each model in turn gets every second frame.
    assert outcome.processed == 20
    assert outcome.peak_bytes <= 110


def test_a_frame_beyond_its_deadline_never_counts_as_processed() -> None:
    slow = ModelProfile("slow", {"a": 100}, (Batch(1, 400.0, 10),))

    outcome = simulate(Workload((load("slow"),)), Profiles((slow,)), Budget(1_000), seconds=5)

    assert outcome.processed == 0
    assert outcome.captured == 50


def test_the_frames_of_the_warm_up_are_not_counted() -> None:
    profiles = Profiles((profile("cars", {"a": 100}),))

    outcome = simulate(Workload((load("cars"),)), profiles, Budget(1_000), seconds=10, warm_up_s=5)

    assert (outcome.captured, outcome.swap_bytes) == (100, 0)
    assert outcome.queries[0].answered == list(range(50, 150))


def test_copying_ahead_hides_a_load_behind_the_run_before_it() -> None:
    tensors = {slot: {slot: 100} for slot in ("cars", "signs", "people")}
    profiles = Profiles(tuple(profile(slot, given, run_ms=100) for slot, given in tensors.items()))
    queries = tuple(load(slot, rate_fps=1.0, deadline_ms=900) for slot in tensors)

    # Room for two: while one runs the next one's 100 ms of loading go on.
    outcome = simulate(Workload(queries), profiles, Budget(220, load_bytes_per_s=1000), seconds=10, warm_up_s=1)

    assert outcome.processed == 30
    assert outcome.stalled_s < outcome.swap_bytes / 1000 / 2


def test_an_idle_camera_costs_nothing() -> None:
    profiles = Profiles(tuple(profile(slot, {slot: 100}) for slot in ("cars", "signs", "idle")))
    live = (load("cars"), load("signs"))
    budget = Budget(220, load_bytes_per_s=2000)

    with_idle = simulate(Workload((*live, load("idle", rate_fps=1e-6))), profiles, budget, seconds=20, warm_up_s=2)

    assert with_idle.processed == with_idle.captured == 400
    assert with_idle.swap_bytes == 0


def test_a_slot_without_profile_is_refused() -> None:
    with pytest.raises(SlotUnprofiled, match="ghosts"):
        simulate(Workload((load("ghosts"),)), Profiles((profile("cars", {"a": 1}),)), Budget(100), seconds=1)


@pytest.mark.parametrize(
    "content", [b"{}", b"no", b'{"queries": [{"query": "q", "slot": "s", "rate_fps": 0, "deadline_ms": 5}]}']
)
def test_an_unusable_workload_is_refused(content: bytes) -> None:
    with pytest.raises(WorkloadUnreadable):
        decode_workload(content)


@st.composite
def boxes(draw: st.DrawFn) -> tuple[Workload, Profiles, Budget]:
    models, queries = [], []
    for number in range(draw(st.integers(2, 4))):
        digests = draw(st.sets(st.sampled_from(sorted(TENSORS)), min_size=1, max_size=5))
        run_ms, activations = draw(st.floats(1, 80)), draw(st.integers(0, 600_000))
        batches = tuple(Batch(size, run_ms * size**0.7, activations * size) for size in (1, 2, 4))
        models.append(ModelProfile(f"m{number}", {digest: TENSORS[digest] for digest in digests}, batches))
        rate, deadline = draw(st.sampled_from([2.0, 7.5, 10.0])), draw(st.sampled_from([100, 300, 800]))
        queries.append(QueryLoad(f"q{number}", f"m{number}", rate, deadline))
    limit = draw(st.integers(smallest_budget(models), full_budget(models)))
    bandwidth = draw(st.sampled_from([5e6, 50e6, float("inf")]))
    return Workload(tuple(queries)), Profiles(tuple(models)), Budget(limit, load_bytes_per_s=bandwidth)


@pytest.mark.parametrize("policy", POLICIES)
@settings(max_examples=15, deadline=None)
@given(box=boxes())
def test_every_frame_is_accounted_for_and_the_budget_holds(policy: str, box: tuple[Workload, Profiles, Budget]) -> None:
    workload, profiles, budget = box

    outcome = simulate(workload, profiles, budget, policy, seconds=4)

    assert outcome.peak_bytes <= budget.limit_bytes
    assert outcome.stalled_s + outcome.running_s <= 4 + 1.0 + max(
        budget.load_ms(m.weight_bytes) for m in profiles.models
    )
    for load, query in zip(workload.queries, outcome.queries, strict=True):
        assert query.captured == query.processed + query.late + query.dropped
        assert abs(query.captured - 4 * load.rate_fps) <= 1
        assert len(set(query.answered)) == query.processed


@settings(max_examples=15, deadline=None)
@given(box=boxes())
def test_space_sharing_swaps_nothing_once_all_it_serves_is_there(box: tuple[Workload, Profiles, Budget]) -> None:
    workload, profiles, budget = box

    outcome = simulate(workload, profiles, budget, "space-sharing", seconds=4, warm_up_s=8)

    assert outcome.swap_bytes == 0
