"""One decision: which slot runs next, what it evicts and loads for that, and on which frames.

Pure: the executor and the simulator carry decisions out. The budget holds for every policy, because memory is freed
here until weights and activations of the visit fit.
"""

from collections.abc import Sequence

from edge_runtime.scheduling.admission import BudgetTooSmall
from edge_runtime.scheduling.batching import takes_for
from edge_runtime.scheduling.policies import DEFAULT_POLICY, policy_named
from edge_runtime.scheduling.policies.base import Candidate, Policy, Situation
from edge_runtime.scheduling.words import (
    Budget,
    Decision,
    ModelProfile,
    Profiles,
    Resident,
    Waiting,
    missing,
    missing_bytes,
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
    """The next visit, or None when no frame waits.

    Raises BudgetTooSmall for a model that admission should have refused, UnknownPolicy for a policy's name.
    """
    chosen_policy = policy_named(policy)
    situation = Situation(now, resident, profiles, budget)
    candidates = _candidates(situation, queues)
    if not candidates:
        return None
    model = chosen_policy.choose(situation, candidates).model
    load = missing(model, resident.tensors)
    evict = _evictions(situation, model, chosen_policy)
    kept_bytes = resident.size_bytes - sum_bytes(resident.tensors, evict)
    room_bytes = budget.usable_bytes - kept_bytes - sum_bytes(model.tensors, load)
    takes = takes_for(now, _of_slot(queues, model.slot), model, room_bytes)
    return Decision(model.slot, evict, load, takes, room_bytes)


def _of_slot(queues: Sequence[Waiting], slot: str) -> list[Waiting]:
    return [queue for queue in queues if queue.slot == slot and queue.captured_at]


def _candidates(situation: Situation, queues: Sequence[Waiting]) -> list[Candidate]:
    slots = dict.fromkeys(queue.slot for queue in queues if queue.captured_at)
    return [
        _candidate(situation, situation.profiles.by_slot[slot], _of_slot(queues, slot))
        for slot in slots
        if slot in situation.profiles.by_slot
    ]


def _candidate(situation: Situation, model: ModelProfile, queues: Sequence[Waiting]) -> Candidate:
    load_ms = situation.budget.load_ms(missing_bytes(model, situation.resident.tensors))
    waiting = sum(len(queue.captured_at) for queue in queues)
    batch = model.batch_for(waiting)
    frames = min(waiting, batch.size)
    first_due_at = min(queue.due_at(queue.captured_at[0]) for queue in queues)
    slack_ms = 1000 * (first_due_at - situation.now) - load_ms - batch.run_ms
    return Candidate(model, load_ms, batch.run_ms, frames, slack_ms)


def _evictions(situation: Situation, model: ModelProfile, policy: Policy) -> tuple[str, ...]:
    """Digests to evict until `model` and the activations of one frame fit; tensors of no model go first."""
    held = situation.resident.tensors
    added = missing_bytes(model, held)
    excess = situation.resident.size_bytes + added + model.batches[0].activation_bytes - situation.budget.usable_bytes
    if excess <= 0:
        return ()
    orphans = tuple(held.keys() - situation.profiles.users.keys())
    evicted: dict[str, None] = {}
    for group in (orphans, *policy.eviction_order(situation, model.slot)):
        if excess <= 0:
            return tuple(evicted)
        leaving = [key for key in group if key in held and key not in evicted and key not in model.tensors]
        excess -= sum_bytes(held, leaving)
        evicted.update(dict.fromkeys(leaving))
    if excess > 0:
        needed = model.least_bytes + situation.budget.overhead_bytes
        raise BudgetTooSmall(model.slot, needed, situation.budget.limit_bytes)
    return tuple(evicted)
