"""What a strategy knows: the configurations tried so far, how each went, and where sharing hurt."""

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
    """`maximal`: everything that may be shared. `attempts`: oldest first."""

    maximal: MergeConfiguration
    attempts: tuple[Attempt, ...] = ()


class Strategy(Protocol):
    """Chooses what to try next. Adding one: a file in strategies/ and a line in its registry.

    A proposal must hold every group that the last attempt accepted. `restores_after_rejection`: whether the next
    attempt starts from the last accepted weights (True) or goes on from the weights that training has reached.
    `has_accuracy_targets` is False for an upper bound that ignores accuracy.
    """

    name: ClassVar[str]
    restores_after_rejection: ClassVar[bool]
    has_accuracy_targets: ClassVar[bool]

    def next_configuration(self, history: History) -> MergeConfiguration | None:
        """The configuration to try next, or None when the search is over."""
        ...
