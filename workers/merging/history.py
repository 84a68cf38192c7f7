"""What a strategy knows (configurations tried, how each went, where sharing hurt) and what it answers: a proposal."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from workers.merging.configuration import LayerPlace, MergeConfiguration, SharedLayerGroup
from workers.merging.events import QueryFigures


@dataclass(frozen=True)
class Attempt:
    """One tried configuration.

    `accepted`: the part of it that met its targets and is kept (whole merged groups, possibly none or all).
    `conflict`: per place of the rest, how much its query would gain per byte from weights of its own; 0 where its
    gradient agrees with the others'. Empty where nothing was measured.
    """

    configuration: MergeConfiguration
    accepted: MergeConfiguration
    figures: Mapping[str, QueryFigures] = field(default_factory=dict)
    conflict: Mapping[LayerPlace, float] = field(default_factory=dict)

    @property
    def rejected_groups(self) -> frozenset[SharedLayerGroup]:
        return self.configuration.groups - self.accepted.groups


@dataclass(frozen=True)
class History:
    """`maximal`: everything that may be shared. `attempts`: oldest first.

    `layers`: per query the names of all its layers in order of the network, shareable or not.
    """

    maximal: MergeConfiguration
    attempts: tuple[Attempt, ...] = ()
    layers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Start(enum.StrEnum):
    """The weights that a trial starts from. ACCEPTED: those that are kept. REACHED: where the last training ended."""

    ACCEPTED = "accepted"
    REACHED = "reached"


@dataclass(frozen=True)
class Proposal:
    """What to try next. What the last attempt accepted stays shared in it; its groups may grow."""

    configuration: MergeConfiguration
    start: Start = Start.REACHED


class Strategy(Protocol):
    """Chooses what to try next. Adding one: a file in strategies/ and a line in its registry.

    `has_accuracy_targets` is False for an upper bound that ignores accuracy. `keeps_partial_success`: whether a
    rejected merged group is of use for the queries in it that met their targets, so that training goes on for them.
    `accepts_on_the_way`: whether the part of a merged group whose queries hold is accepted while the rest trains on.
    `reads_conflict`: whether it looks at Attempt.conflict, which takes training batches to measure.
    """

    name: ClassVar[str]
    has_accuracy_targets: ClassVar[bool]
    keeps_partial_success: ClassVar[bool]
    accepts_on_the_way: ClassVar[bool]
    reads_conflict: ClassVar[bool]

    def next_proposal(self, history: History) -> Proposal | None:
        """What to try next, or None when the search is over. Depends on nothing but `history`."""
        ...
