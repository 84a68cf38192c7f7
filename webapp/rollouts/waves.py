"""What a rollout does next: which boxes start, when a wave lets the next one begin, when all of it stops. Pure.

Services say how the boxes stand and carry out the answer; nothing is decided there.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from uuid import UUID

from webapp.rollouts.models import RolloutBox, RolloutBoxState, RolloutState
from webapp.rollouts.terms import Terms

_ENDED = {RolloutBoxState.SUCCEEDED, RolloutBoxState.FAILED, RolloutBoxState.ROLLED_BACK}
_WITHDRAWN = {
    RolloutState.ABORTED: {RolloutBoxState.UPDATING, RolloutBoxState.FAILED},
    RolloutState.ROLLED_BACK: {RolloutBoxState.UPDATING, RolloutBoxState.FAILED, RolloutBoxState.SUCCEEDED},
}


@dataclass(frozen=True)
class Tally:
    """How many `boxes` of a wave are in one state: all that waves are judged by."""

    wave: int
    state: str
    is_accepted: bool
    boxes: int


@dataclass(frozen=True)
class Wave:
    """`size`: boxes that count for the thresholds, which are those without accepted failures and withdrawals."""

    number: int
    size: int
    succeeded: int
    failed: int
    terms: Terms

    @property
    def needed(self) -> int:
        return self.terms.needed(self.size)

    @property
    def tolerated(self) -> int:
        return self.terms.tolerated(self.size)

    @property
    def has_passed(self) -> bool:
        return self.succeeded >= self.needed

    @property
    def is_failing(self) -> bool:
        return self.failed > self.tolerated


@dataclass(frozen=True)
class Step:
    """The rollout's next `state`, why it pauses, and the boxes to start or to take the bundle back from."""

    state: RolloutState
    reason: str = ""
    start: tuple[UUID, ...] = ()
    withdraw: tuple[UUID, ...] = ()


@dataclass(frozen=True)
class Moment:
    """`reachable`: boxes that the server hears. `obstacle`: why nothing may go on, "" if nothing is in the way."""

    now: datetime
    reachable: frozenset[UUID]
    obstacle: str = ""


def next_step(state: RolloutState, terms: Terms, boxes: Sequence[RolloutBox], moment: Moment) -> Step:
    if state in _WITHDRAWN:
        return Step(state, withdraw=tuple(box.box_id for box in boxes if box.state in _WITHDRAWN[state]))
    if state != RolloutState.RUNNING:
        return Step(state)
    if moment.obstacle:
        return Step(RolloutState.PAUSED, moment.obstacle)
    waves = waves_of(terms, tallies_of(boxes))
    failing = next((wave for wave in waves if wave.is_failing), None)
    if failing is not None:
        return Step(RolloutState.PAUSED, _failing(failing, len(waves)))
    if all(box.state in _ENDED for box in boxes):
        return Step(RolloutState.FINISHED)
    if terms.window is not None and not terms.window.is_open(moment.now):
        return Step(state)
    last = open_wave(waves)
    due = (box for box in boxes if box.state == RolloutBoxState.WAITING and box.wave <= last)
    return Step(state, start=tuple(box.box_id for box in due if box.box_id in moment.reachable))


def tallies_of(boxes: Iterable[RolloutBox]) -> list[Tally]:
    found = Counter((box.wave, box.state, box.is_accepted) for box in boxes)
    return [Tally(*key, count) for key, count in found.items()]


def waves_of(terms: Terms, tallies: Iterable[Tally]) -> tuple[Wave, ...]:
    """In order."""
    ordered = sorted(tallies, key=lambda tally: tally.wave)
    return tuple(_wave(number, tuple(members), terms) for number, members in groupby(ordered, lambda one: one.wave))


def open_wave(waves: Sequence[Wave]) -> int:
    """The number of the newest wave that may start: the first that has not passed yet."""
    return next((wave.number for wave in waves if not wave.has_passed), waves[-1].number if waves else 0)


def planned(boxes: Sequence[UUID], canary: UUID | None, percentages: Sequence[int]) -> dict[UUID, int]:
    """The wave of every box: the canary alone first, then the others in order, up to each share of them."""
    others = [box for box in boxes if box != canary]
    waves = {} if canary is None else {canary: 0}
    done = 0
    for percent in percentages:
        end = -(-percent * len(others) // 100)
        if end > done:
            number = max(waves.values(), default=-1) + 1
            waves |= dict.fromkeys(others[done:end], number)
            done = end
    return waves


@dataclass(frozen=True)
class Seen:
    """A box after it was started. `version`: of the rollout's bundle; `wanted_*`: of the one that is wanted by now.

    `is_placed`: the merged group is still meant to run there. The rest is from the box's last report.
    """

    version: int
    wanted_version: int
    wanted_digest: str
    is_placed: bool
    runs_version: int = 0
    is_confirmed: bool = False
    refused_digest: str = ""
    sentence: str = ""


def outcome(seen: Seen) -> tuple[RolloutBoxState, str]:
    """Whether the box runs the bundle well, or why it does not. A later bundle holds the merged group as well."""
    if not seen.is_placed:
        return RolloutBoxState.FAILED, "The merged group was taken off this box."
    if seen.wanted_version < seen.version:
        return RolloutBoxState.FAILED, f"Bundle {seen.version} was cancelled on the page of the box."
    if seen.refused_digest and seen.refused_digest == seen.wanted_digest:
        return RolloutBoxState.FAILED, seen.sentence or "The box gave the bundle up."
    if seen.runs_version >= seen.version and seen.is_confirmed:
        return RolloutBoxState.SUCCEEDED, ""
    return RolloutBoxState.UPDATING, ""


def counts(tallies: Iterable[Tally]) -> Mapping[str, int]:
    """How many boxes are in each state, those without any included."""
    found = {state.value: 0 for state in RolloutBoxState}
    for tally in tallies:
        found[tally.state] += tally.boxes
    return found


def _wave(number: int, members: Sequence[Tally], terms: Terms) -> Wave:
    counted = [tally for tally in members if not tally.is_accepted and tally.state != RolloutBoxState.ROLLED_BACK]
    number_of = counts(counted)
    return Wave(
        number,
        size=sum(number_of.values()),
        succeeded=number_of[RolloutBoxState.SUCCEEDED],
        failed=number_of[RolloutBoxState.FAILED],
        terms=terms,
    )


def _failing(wave: Wave, of: int) -> str:
    boxes = "box" if wave.size == 1 else "boxes"
    limit = f"{wave.tolerated} tolerated" if wave.tolerated else "none tolerated"
    return f"{wave.failed} of {wave.size} {boxes} in wave {wave.number + 1} of {of} failed, {limit}."
