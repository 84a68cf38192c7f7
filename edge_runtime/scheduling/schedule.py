"""One decision: which slot runs next, what it evicts and loads for that, on which frames; and what to copy meanwhile.

Pure: the executor and the simulator carry decisions out. The budget holds for every policy, because memory is freed
here until weights and activations of the visit fit.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edge_runtime.scheduling.admission import BudgetTooSmall
from edge_runtime.scheduling.batching import takes_for
from edge_runtime.scheduling.evicting import Evictions, reload_ms
from edge_runtime.scheduling.policies import DEFAULT_POLICY, policy_named
from edge_runtime.scheduling.policies.base import Candidate, Policy, Situation
from edge_runtime.scheduling.words import (
    Batch,
    Budget,
    Decision,
    ModelProfile,
    Prefetch,
    Profiles,
    Resident,
    Waiting,
    missing,
    sum_bytes,
)


def schedule(
    now: float,
    queues: Sequence[Waiting],
    resident: Resident,
    profiles: Profiles,
    budget: Budget,
    policy: str = DEFAULT_POLICY,
) -> Decision | None:
    """The next visit, or None when no frame waits that the policy serves.

    Raises BudgetTooSmall for a model that admission should have refused, UnknownPolicy for a policy's name.
    """
    chosen_policy = policy_named(policy)
    situation = Situation(now, queues, resident, profiles, budget)
    by_slot = _waiting_by_slot(situation)
    candidates = _candidates(situation, by_slot)
    chosen = chosen_policy.choose(situation, candidates) if candidates else None
    return _visit(situation, chosen.model, by_slot[chosen.slot], chosen_policy) if chosen else None


def prefetch(
    now: float,
    queues: Sequence[Waiting],
    resident: Resident,
    profiles: Profiles,
    budget: Budget,
    policy: str,
    running: tuple[str, int],
) -> Prefetch | None:
    """What to copy while a slot runs, given with the bytes of its activations; None where nothing would help or fits.

    Evicts only what the visit that is prepared would evict anyway and nobody needs who runs or waits now.
    """
    chosen_policy = policy_named(policy)
    if len(resident.tensors) >= len(profiles.users):
        return None
    situation = Situation(now, queues, resident, profiles, budget)
    by_slot = _waiting_by_slot(situation)
    others = {slot: queues for slot, queues in by_slot.items() if slot != running[0]}
    lacking = {slot: queues for slot, queues in others.items() if resident.lacks_bytes(profiles.by_slot[slot])}
    candidates = _candidates(situation, lacking)
    chosen = chosen_policy.choose(situation, candidates) if candidates else None
    if chosen is None:
        return None
    spare = _spare(situation, chosen.model, chosen_policy, {running[0], *by_slot})
    room_bytes = budget.usable_bytes - resident.size_bytes - running[1] + sum_bytes(resident.tensors, spare)
    load = _fitting(chosen.model, missing(chosen.model, resident.tensors), room_bytes)
    return Prefetch(chosen.slot, spare, load) if load else None


def _waiting_by_slot(situation: Situation) -> dict[str, list[Waiting]]:
    by_slot: dict[str, list[Waiting]] = {}
    for queue in [queue for queue in situation.queues if queue.captured_at]:
        if queue.slot in situation.profiles.by_slot:
            by_slot.setdefault(queue.slot, []).append(queue)
    return by_slot


def _candidates(situation: Situation, by_slot: dict[str, list[Waiting]]) -> list[Candidate]:
    return [_candidate(situation, situation.profiles.by_slot[slot], queues) for slot, queues in by_slot.items()]


def _candidate(situation: Situation, model: ModelProfile, queues: Sequence[Waiting]) -> Candidate:
    """With the batch that `takes_for` would choose after the load. Asked of every slot with frames at every decision:
    most of what deciding costs.
    """
    load_ms = situation.budget.load_ms(situation.resident.lacks_bytes(model))
    frames = sorted(
        [(queue.due_at(captured_at), queue.priority) for queue in queues for captured_at in queue.captured_at]
    )
    starts_at = situation.now + load_ms / 1000
    chosen, due_at, in_time = model.batch_for(len(frames)), frames[0][0], 0.0
    for batch in model.batches:
        ends_at = starts_at + batch.run_ms / 1000
        met = [frame for frame in frames[: batch.size] if frame[0] >= ends_at]
        value = sum([priority for _, priority in met])
        if value > in_time:
            chosen, due_at, in_time = batch, met[0][0], value
        if batch.size >= len(frames):
            break
    least, period_s = 0.0, math.inf
    for queue in queues:
        least = max(least, queue.priority)
        period_s = min(period_s, queue.period_s)
    return Candidate(
        model=model,
        load_ms=load_ms,
        run_ms=chosen.run_ms,
        due_at=due_at,
        value=max(in_time, least),
        passed_over_ms=situation.idle_ms(model.slot) - 1000 * period_s,
    )


@dataclass(frozen=True)
class _Option:
    """One batch size of a visit. Higher `value_per_ms` is better, then lower `reload_ms`."""

    decision: Decision
    value_per_ms: float
    reload_ms: float


def _visit(situation: Situation, model: ModelProfile, queues: Sequence[Waiting], policy: Policy) -> Decision:
    """The batch with most frames in time per ms, reloading what a larger batch drives out included.

    Linear in the batches of the model: its neighbours in memory are cut from one order, not tried in combination.
    """
    evictions = Evictions(situation, model, policy)
    options = (_option(situation, model, queues, evictions, batch) for batch in _useful_batches(model, queues))
    possible = [option for option in options if option is not None]
    if not possible:
        needed = model.least_bytes + situation.budget.overhead_bytes
        raise BudgetTooSmall(model.slot, needed, situation.budget.limit_bytes)
    return max(possible, key=lambda option: (option.value_per_ms, -option.reload_ms)).decision


def _useful_batches(model: ModelProfile, queues: Sequence[Waiting]) -> Iterable[Batch]:
    waiting = sum(len(queue.captured_at) for queue in queues)
    return (batch for batch in model.batches if batch.size <= model.batch_for(waiting).size)


def _option(
    situation: Situation, model: ModelProfile, queues: Sequence[Waiting], evictions: Evictions, batch: Batch
) -> _Option | None:
    """None where the memory for this batch cannot be had."""
    resident, budget = situation.resident, situation.budget
    load = missing(model, resident.tensors)
    added_bytes = sum_bytes(model.tensors, load)
    evict = evictions.until(resident.size_bytes + added_bytes + batch.activation_bytes - budget.usable_bytes)
    if evict is None:
        return None
    room_bytes = budget.usable_bytes - resident.size_bytes + sum_bytes(resident.tensors, evict) - added_bytes
    takes = takes_for(situation.now, queues, model, room_bytes)
    load_ms, back_ms = budget.load_ms(added_bytes), reload_ms(situation, evict)
    run_ms = model.batch_for(sum(take.frames for take in takes)).run_ms
    priorities = {queue.query: queue.priority for queue in queues}
    value = sum(take.frames * priorities[take.query] for take in takes)
    return _Option(
        Decision(model.slot, evict, load, takes, room_bytes), value / max(load_ms + run_ms + back_ms, 1e-3), back_ms
    )


def _spare(situation: Situation, model: ModelProfile, policy: Policy, needed_by: set[str]) -> tuple[str, ...]:
    """What a visit of `model` will evict and nobody in `needed_by` uses."""
    resident = situation.resident
    added_bytes = resident.lacks_bytes(model) + model.batches[0].activation_bytes
    evict = Evictions(situation, model, policy).until(resident.size_bytes + added_bytes - situation.budget.usable_bytes)
    users = situation.profiles.users
    return tuple(digest for digest in evict or () if needed_by.isdisjoint(users.get(digest, ())))


def _fitting(model: ModelProfile, wanted: Sequence[str], room_bytes: int) -> tuple[str, ...]:
    """Of `wanted`, in the model's order, whatever still finds room."""
    fitting: list[str] = []
    for digest in wanted:
        if model.tensors[digest] <= room_bytes:
            room_bytes -= model.tensors[digest]
            fitting.append(digest)
    return tuple(fitting)
