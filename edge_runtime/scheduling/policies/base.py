"""What a policy sees and what it may decide: which slot is visited next, and what leaves memory first.

Bounds hold for all policies because the scheduler, not the policy, evicts until the visit fits and picks the frames.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import msgspec

from edge_runtime.scheduling.words import Budget, ModelProfile, Profiles, Resident, Waiting

# A slot with frames waiting is visited at the latest after this many rounds of all waiting slots: below 1 the order by
# yield would never get a say, far above it a model that is cheap to keep would starve the ones that are not loaded.
PATIENCE_ROUNDS = 2.0


@dataclass(frozen=True)
class Situation:
    now: float
    queues: Sequence[Waiting]
    resident: Resident
    profiles: Profiles
    budget: Budget

    @cached_property
    def next_due_at(self) -> Mapping[str, float]:
        """By slot, the deadline of its first waiting or expected frame; absent where there is no query."""
        next_due_at: dict[str, float] = {}
        for queue in self.queues:
            next_due_at[queue.slot] = min(queue.next_due_at, next_due_at.get(queue.slot, math.inf))
        return next_due_at

    def idle_ms(self, slot: str) -> float:
        """Since `slot` ran last; infinite where it never did."""
        return 1000 * (self.now - self.resident.last_run.get(slot, float("-inf")))


class Candidate(msgspec.Struct, frozen=True):
    """A slot with waiting frames, and what a visit now would cost and bring.

    `due_at`: deadline of the most urgent frame that the visit would meet, of the first one where it meets none.
    `value`: frames that it meets, by priority, but never less than one frame: a load that outlasts all deadlines still
    finds newer frames after it.
    `passed_over_ms`: how long at least the slot has not run although it could have; infinite if it never ran.
    """

    model: ModelProfile
    load_ms: float
    run_ms: float
    due_at: float
    value: float
    passed_over_ms: float

    @property
    def slot(self) -> str:
        return self.model.slot

    @property
    def cost_ms(self) -> float:
        return self.load_ms + self.run_ms

    @property
    def value_per_ms(self) -> float:
        return self.value / max(self.cost_ms, 1e-3)


class Policy(Protocol):
    """`evicts_layers`: whether a model may stay in part, so that no more leaves than has to."""

    evicts_layers: bool

    def choose(self, situation: Situation, candidates: Sequence[Candidate]) -> Candidate | None:
        """The candidate to visit now, None to serve none of them; `candidates` is never empty."""

    def eviction_order(self, situation: Situation, slot: str) -> Iterable[Collection[str]]:
        """Resident digests in groups that leave together, first to go first, for a visit of `slot`.

        Digests that `slot` itself needs are left alone by the scheduler. May be lazy: it is read as far as needed.
        """


def most_starving(situation: Situation, candidates: Sequence[Candidate]) -> Candidate | None:
    """The candidate that must be visited now because it has been passed over for PATIENCE_ROUNDS."""
    round_ms = sum(
        situation.budget.load_ms(candidate.model.weight_bytes) + candidate.run_ms for candidate in candidates
    )
    longest = max(candidates, key=lambda candidate: candidate.passed_over_ms)
    return longest if longest.passed_over_ms > PATIENCE_ROUNDS * round_ms else None


def last_slot(situation: Situation) -> str | None:
    """The slot that ran last; None when none of this bundle did."""
    ran = situation.resident.last_run
    return max((slot for slot in situation.profiles.by_slot if slot in ran), key=lambda slot: ran[slot], default=None)


def ring(order: Sequence[str], first: str) -> tuple[str, ...]:
    """`order` as a ring that starts at `first`."""
    start = order.index(first)
    return (*order[start:], *order[:start])


def released(profiles: Profiles, slots: Iterable[str]) -> Iterable[tuple[str, ...]]:
    """Going through all slots, first to give up first: the digests that no later slot uses, slot by slot. Lazy."""
    users_left: dict[str, int] = {}
    for slot in slots:
        free: list[str] = []
        for digest in profiles.by_slot[slot].tensors:
            left = users_left.get(digest, len(profiles.users[digest])) - 1
            users_left[digest] = left
            if not left:
                free.append(digest)
        yield tuple(free)
