"""Layers copied by a thread while another model runs: nothing here asserts a time, waits only end a failure."""

import threading

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_runtime.scheduling.admission import full_budget, smallest_budget
from edge_runtime.scheduling.policies import POLICIES
from edge_runtime.serving.answering import batch_of
from edge_runtime.serving.copying_ahead import CopyingAhead
from edge_runtime.serving.device_memory import DeviceMemory
from edge_runtime.serving.skeleton import Skeleton
from edge_runtime.serving.transfer import HostTransfer
from edge_runtime.vision.architectures import load_weights
from edge_runtime.vision.tasks import functions_for
from tests.simulators.serving_rig import SPEC, BundleOnShelf, FakeClock, Rig, frame_at, merged_with, query_on, state_of

SLOTS = ("cars", "people", "signs", "trams")
CPU = torch.device("cpu")
ENOUGH = 60.0


def states(*, merged: bool) -> dict[str, dict[str, torch.Tensor]]:
    first = state_of(1)
    others = {slot: state_of(seed) for seed, slot in enumerate(SLOTS[1:], 2)}
    return {SLOTS[0]: first} | {slot: merged_with(first, own) if merged else own for slot, own in others.items()}


def shelf_of(given: dict[str, dict[str, torch.Tensor]]) -> BundleOnShelf:
    shelf = BundleOnShelf()
    for slot, state in given.items():
        shelf.add(slot, state)
    return shelf


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    merged=st.booleans(),
    policy=st.sampled_from(sorted(POLICIES)),
    room=st.floats(0, 1),
    arrivals=st.lists(st.sets(st.sampled_from(SLOTS), min_size=1), min_size=4, max_size=12),
)
def test_never_over_the_budget_and_never_a_wrong_weight(
    merged: bool, policy: str, room: float, arrivals: list[set[str]]
) -> None:
    clock, given_states = FakeClock(), states(merged=merged)
    shelf, queries = shelf_of(given_states), [query_on(slot, camera=slot) for slot in SLOTS]
    models = Rig(clock).prepare(shelf, queries).profiles.models
    least, most = smallest_budget(models, 1_000), full_budget(models, 1_000)
    rig = Rig(clock, budget_bytes=int(least + room * (most - least)), policy=policy, copies_ahead=True)
    rig.run(shelf, queries)
    rig.memory.take_peak()

    for index, cameras in enumerate(arrivals):
        clock.advance(0.2)
        for camera in sorted(cameras):
            rig.intake.offer(frame_at(clock(), camera=camera, index=index))
        while rig.engine.step():
            assert rig.memory.take_peak().free >= 0

    whole = {f"query-{slot}": load_weights(SPEC, state) for slot, state in given_states.items()}
    # Space sharing runs what fits at once, which may be none of what arrives; the others run all of it.
    assert policy == "space-sharing" or len(rig.results) == sum(map(len, arrivals))
    for result in rig.results:
        (expected,) = functions_for(SPEC).predict(whole[result.query], batch_of([result.frame.image], SPEC, CPU))
        assert np.array_equal(result.prediction.probabilities, expected.probabilities)
    assert not rig.engine.problems()


def test_the_next_models_layers_arrive_while_the_current_one_runs(clock: FakeClock, monkeypatch) -> None:
    shelf, queries = shelf_of(states(merged=False)), [query_on(slot) for slot in SLOTS[:2]]
    rig = Rig(clock, copies_ahead=True)
    prepared = rig.run(shelf, queries)
    rig.memory.evict(rig.memory.resident())
    missing = {slot: set(prepared.models[slot].skeleton.wanted) for slot in SLOTS[:2]}
    seen = []

    for slot, other in (SLOTS[:2], SLOTS[1::-1]):
        module = prepared.models[slot].skeleton.module
        forward = module.forward

        def waits_for_the_other(batch, forward=forward, other=other):
            waited = threading.Event()
            for _ in range(600):
                if rig.memory.copied_bytes >= expected_bytes or waited.wait(0.1):
                    break
            seen.append(rig.memory.copied_bytes >= expected_bytes)
            return forward(batch)

        monkeypatch.setattr(module, "forward", waits_for_the_other)
    expected_bytes = rig.memory.copied_bytes + sum(
        prepared.models[slot].skeleton.wanted[key].size_bytes for slot in SLOTS[:2] for key in missing[slot]
    )
    clock.advance(0.1)
    rig.intake.offer(frame_at(clock()))
    rig.drain()

    assert seen == [True, True]
    assert len(rig.results) == 2
    assert sum(sample.swaps for sample in rig.tally.take({})) == 1  # the second was there when it was needed


def test_a_copy_ahead_that_fails_costs_nothing_and_the_reason_is_told_when_it_is_needed(shelf, clock) -> None:
    state = state_of(1)
    skeleton = Skeleton(SPEC, shelf.put(state), CPU)
    memory = DeviceMemory(budget_bytes=50_000_000, overhead_bytes=0, transfer=HostTransfer())
    begun = threading.Event()

    def missing_file(entry):
        begun.set()
        raise FileNotFoundError(entry.digest)

    memory.copy_ahead(skeleton, tuple(skeleton.wanted), missing_file)
    assert begun.wait(ENOUGH)
    memory.settle(skeleton)

    assert memory.resident() == {}
    assert memory.free_bytes == 50_000_000
    with pytest.raises(FileNotFoundError):
        memory.load(skeleton, missing_file)
    assert memory.load(skeleton, shelf.tensor) == skeleton.weight_bytes


def test_nothing_begins_after_it_was_called_off() -> None:
    begun, let_go, done = [], threading.Event(), threading.Event()

    def carry_out(job: int) -> None:
        done.set()
        assert let_go.wait(ENOUGH)

    ahead: CopyingAhead[int] = CopyingAhead(begun.append, carry_out)
    ahead.plan([1, 2, 3])
    assert done.wait(ENOUGH)
    ahead.call_off()
    let_go.set()

    assert ahead.wait() in (True, False)
    assert begun == [1]
    assert not ahead.wait()
