"""What a policy sees and what it may decide: which slot is visited next, and what leaves memory first.

Bounds hold for all policies because the scheduler, not the policy, evicts until the visit fits and picks the frames.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from edge_runtime.scheduling.words import Budget, ModelProfile, Profiles, Resident


@dataclass(frozen=True)
class Situation:
    now: float
    resident: Resident
    profiles: Profiles
    budget: Budget

    def idle_ms(self, slot: str) -> float:
        """Since `slot` ran last; infinite where it never did."""
        return 1000 * (self.now - self.resident.last_run.get(slot, float("-inf")))


@dataclass(frozen=True)
class Candidate:
    """A slot with waiting frames, and what a visit now would cost and bring.

    `slack_ms`: how long the visit can wait before its most urgent frame is lost; negative when the load loses it.
    """

    model: ModelProfile
    load_ms: float
    run_ms: float
    frames: int
    slack_ms: float

    @property
    def slot(self) -> str:
        return self.model.slot

    @property
    def cost_ms(self) -> float:
        return self.load_ms + self.run_ms


class Policy(Protocol):
    def choose(self, situation: Situation, candidates: Sequence[Candidate]) -> Candidate:
        """The candidate to visit now; `candidates` is never empty."""

    def eviction_order(self, situation: Situation, slot: str) -> Iterable[tuple[str, ...]]:
        """Resident digests in groups that leave together, first to go first, for a visit of `slot`.

        Digests that `slot` itself needs are left alone by the scheduler.
        """
