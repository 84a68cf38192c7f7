"""The thread around the engine: nothing here asserts a time, waits are only bounded so that a failure ends."""

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from edge_runtime.scheduling.admission import BudgetTooSmall, full_budget
from edge_runtime.scheduling.policies import UnknownPolicy
from edge_runtime.serving.engine import Result
from edge_runtime.serving.executor import Executor, ExecutorStopped
from edge_runtime.serving.preparation import UnknownSlot
from edge_runtime.serving.skeleton import WeightsIncomplete
from tests.simulators.serving_rig import SPEC, BundleOnShelf, FakeClock, frame_at, merged_with, query_on, state_of

ENOUGH = 60.0
HOUR_MS = 3_600_000


class Listener:
    """Lets a test wait for answers."""

    def __init__(self) -> None:
        self.results: list[Result] = []
        self._arrived = threading.Condition()

    def __call__(self, result: Result) -> None:
        with self._arrived:
            self.results.append(result)
            self._arrived.notify_all()

    def wait_for(self, count: int) -> None:
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.results) >= count, ENOUGH)


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def executor(listener: Listener) -> Iterator[Executor]:
    executor = Executor(budget_bytes=8_000_000, overhead_bytes=1_000_000, on_result=listener)
    yield executor
    executor.stop()


@pytest.fixture
def merged_shelf(shelf: BundleOnShelf) -> BundleOnShelf:
    first = state_of(1)
    shelf.add("cars", first)
    shelf.add("people", merged_with(first, state_of(2)))
    return shelf


def both(**options):
    return [query_on(slot, deadline_ms=HOUR_MS, **options) for slot in ("cars", "people")]


def test_serves_offered_frames_and_reports_them(executor, listener, merged_shelf) -> None:
    executor.activate(executor.prepare(merged_shelf.manifest(), both(), merged_shelf.tensor))
    start = time.monotonic()
    for index in range(3):
        executor.offer(frame_at(start + index, index=index))
        listener.wait_for(2 * (index + 1))

    memory, samples = executor.sample()

    assert [(sample.query, sample.captured, sample.processed) for sample in samples] == [
        ("query-cars", 3, 3),
        ("query-people", 3, 3),
    ]
    assert memory.private + memory.shared + memory.activations + memory.overhead + memory.free == memory.budget
    assert memory.shared > memory.private > 0
    assert memory.rss > 0
    assert executor.problems() == {}


def test_tells_what_it_measured_by_network_whatever_the_weights(executor, listener, merged_shelf) -> None:
    assert executor.measured() is None
    prepared = executor.prepare(merged_shelf.manifest(), both(), merged_shelf.tensor)
    executor.activate(prepared)

    measured = executor.measured()

    (network,) = measured.networks  # two models of one network
    assert (network.architecture, network.input_size) == (SPEC.architecture, SPEC.input_size)
    assert network.classes == len(SPEC.classes)
    profiles = prepared.profiles.models
    times = sorted(profile.batches[0].run_ms for profile in profiles)
    assert times[0] <= network.batches[0].run_ms <= times[-1]
    assert measured.budget_bytes >= full_budget(profiles)
    assert network.switch_ms > 0
    assert measured.visit_ms == 0  # it has not visited any model yet
    for index in range(8):
        executor.offer(frame_at(time.monotonic() + index, index=index))
        listener.wait_for(2 * (index + 1))
    assert executor.measured().visit_ms > 0


def test_switches_bundles_while_it_runs(executor, listener, shelf) -> None:
    shelf.add("cars", state_of(1))
    query = [query_on("cars", deadline_ms=HOUR_MS)]
    executor.activate(executor.prepare(shelf.manifest(1), query, shelf.tensor))
    executor.offer(frame_at(time.monotonic()))
    listener.wait_for(1)
    other = BundleOnShelf()
    other.add("cars", state_of(2))

    executor.activate(executor.prepare(other.manifest(2), query, other.tensor))
    executor.offer(frame_at(time.monotonic() + 1))
    listener.wait_for(2)

    before, after = (result.prediction.probabilities for result in listener.results)
    assert before.tolist() != after.tolist()


@pytest.mark.parametrize("wrong", ["slot", "tensors", "budget"])
def test_a_bundle_that_cannot_run_is_refused_and_the_old_one_runs_on(
    executor, listener, merged_shelf, wrong: str
) -> None:
    running = executor.prepare(merged_shelf.manifest(), both(), merged_shelf.tensor)
    executor.activate(running)
    broken, queries = BundleOnShelf(), both()
    states = {"cars": state_of(3), "people": state_of(4)}
    if wrong == "tensors":
        del states["people"]["fc.bias"]
    if wrong == "budget":
        spec = replace(SPEC, classes=tuple(map(str, range(20_000))))
        states["people"] = state_of(4, spec)
    for slot, state in states.items():
        if not (wrong == "slot" and slot == "people"):
            options = {"spec": spec} if wrong == "budget" and slot == "people" else {}
            broken.add(slot, state, **options)

    with pytest.raises((UnknownSlot, WeightsIncomplete, BudgetTooSmall)) as refused:
        executor.prepare(broken.manifest(2), queries, broken.tensor)

    assert refused.type is {"slot": UnknownSlot, "tensors": WeightsIncomplete, "budget": BudgetTooSmall}[wrong]
    named = {"slot": "query Find people", "budget": "the model of query Find people alone", "tensors": ""}[wrong]
    assert named in str(refused.value)
    executor.offer(frame_at(time.monotonic()))
    listener.wait_for(2)
    executor.sample()
    memory, _ = executor.sample()
    assert memory.private + memory.shared == full_budget(running.profiles.models) - most_activations(running)


def most_activations(prepared) -> int:
    return max(model.batches[0].activation_bytes for model in prepared.profiles.models)


def test_a_model_that_fails_its_warm_up_is_named_and_the_others_are_served(executor, listener, shelf) -> None:
    damaged = state_of(2)
    damaged["fc.weight"] = damaged["fc.weight"] * float("nan")
    shelf.add("cars", state_of(1))
    shelf.add("people", damaged)

    prepared = executor.prepare(shelf.manifest(), both(), shelf.tensor)
    executor.activate(prepared)
    executor.offer(frame_at(time.monotonic()))
    listener.wait_for(1)

    assert list(prepared.problems) == ["people"]
    assert list(executor.problems()) == ["query-people"]
    assert listener.results[0].query == "query-cars"


def test_a_model_that_runs_already_is_not_measured_again(executor, merged_shelf) -> None:
    first = executor.prepare(merged_shelf.manifest(1), both(), merged_shelf.tensor)
    executor.activate(first)

    again = executor.prepare(merged_shelf.manifest(2), both(rate_fps=5), merged_shelf.tensor)

    assert again.profiles.by_slot["cars"] is first.profiles.by_slot["cars"]


def test_a_stopped_executor_holds_no_memory(executor: Executor, merged_shelf: BundleOnShelf) -> None:
    queries = [query_on(slot, deadline_ms=HOUR_MS) for slot in ("cars", "people")]
    executor.activate(executor.prepare(merged_shelf.manifest(), queries, merged_shelf.tensor))
    executor.sample()
    before, _ = executor.sample()

    executor.stop()
    executor.sample()
    after, _ = executor.sample()

    assert before.private + before.shared > 0
    assert after.private + after.shared == 0


def test_a_stopped_executor_says_so_instead_of_waiting_for_ever(merged_shelf) -> None:
    executor = Executor(budget_bytes=50_000_000, overhead_bytes=0)
    executor.stop()
    executor.stop()

    with pytest.raises(ExecutorStopped):
        executor.prepare(merged_shelf.manifest(), both(), merged_shelf.tensor)


def test_an_unknown_policy_is_refused_at_once() -> None:
    with pytest.raises(UnknownPolicy):
        Executor(budget_bytes=1, overhead_bytes=0, policy="psychic")


def test_half_precision_weights_are_served_in_the_networks_precision(executor, listener, shelf) -> None:
    half = {name: t.half() if t.is_floating_point() else t for name, t in state_of(1).items()}
    shelf.add("cars", half)

    prepared = executor.prepare(shelf.manifest(), both()[:1], shelf.tensor)
    executor.activate(prepared)
    executor.offer(frame_at(time.monotonic()))
    listener.wait_for(1)

    dtypes = {tensor.dtype for tensor in prepared.models["cars"].skeleton.module.parameters()}
    assert dtypes == {torch.float32}


def test_knows_for_how_long_the_visit_at_hand_has_taken(shelf, listener) -> None:
    """As the watchdog asks, from another thread, while a visit hangs."""
    entered, released = threading.Event(), threading.Event()
    shelf.add("cars", state_of(1))

    def hang(result: Result) -> None:
        entered.set()
        assert released.wait(ENOUGH)

    clock = FakeClock()
    executor = Executor(budget_bytes=8_000_000, overhead_bytes=1_000_000, clock=clock, on_result=hang)
    try:
        query = query_on("cars", deadline_ms=HOUR_MS)
        executor.activate(executor.prepare(shelf.manifest(), [query], shelf.tensor))
        executor.offer(frame_at(clock.now))
        assert entered.wait(ENOUGH)
        clock.advance(90.0)
        assert executor.stuck_s() == 90.0
    finally:
        released.set()
        executor.stop()
    assert executor.stuck_s() == 0.0


def test_a_thread_that_sleeps_is_not_stuck() -> None:
    clock = FakeClock()
    executor = Executor(budget_bytes=8_000_000, overhead_bytes=1_000_000, clock=clock)
    try:
        slept = threading.Event()
        with slept_lets_know(executor, slept):
            assert slept.wait(ENOUGH)
            clock.advance(3600.0)
            assert executor.stuck_s() == 0.0
    finally:
        executor.stop()


@contextlib.contextmanager
def slept_lets_know(executor: Executor, slept: threading.Event) -> Iterator[None]:
    """Sets `slept` once the executor's thread waits for news."""
    condition = executor._condition
    wait_for = condition.wait_for

    def noted(predicate, timeout=None):
        slept.set()
        return wait_for(predicate, timeout)

    condition.wait_for = noted
    executor._wake()
    yield
    condition.wait_for = wait_for
