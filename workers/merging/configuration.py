"""Which layers share one copy of their weights: places, shared layer groups, merge configurations, merged groups.

Pure data and set arithmetic. Finding layers that may share is matching's work; touching weights is sharing's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from edge_runtime.protocol.errors import GemelError


class ConfigurationError(GemelError):
    code = "merge_configuration"


@dataclass(frozen=True, order=True)
class LayerPlace:
    """One layer of one query's model, by its dotted name in the network.

    `content` tells the original's weights at this place from others (a digest): equal contents are one tensor already.
    """

    query: str
    layer: str
    content: str


@dataclass(frozen=True)
class SharedLayerGroup:
    """One set of weights and the places that use it. `size_bytes` is that of one copy; places are sorted."""

    signature: str
    size_bytes: int
    places: tuple[LayerPlace, ...]

    @cached_property
    def queries(self) -> frozenset[str]:
        return frozenset(place.query for place in self.places)

    @cached_property
    def saved_bytes(self) -> int:
        """What one copy saves against the originals: places that use the same weights already earn nothing."""
        return (len({place.content for place in self.places}) - 1) * self.size_bytes

    def among(self, places: Iterable[LayerPlace]) -> "SharedLayerGroup | None":
        """Shared by these places only; None where that leaves fewer than two queries."""
        wanted = set(places)
        staying = tuple(place for place in self.places if place in wanted)
        if len({place.query for place in staying}) < 2:
            return None
        return SharedLayerGroup(self.signature, self.size_bytes, staying)


@dataclass(frozen=True)
class MergedGroup:
    """Queries tied together by shared layers, and these layers: what an administrator approves."""

    queries: tuple[str, ...]
    groups: frozenset[SharedLayerGroup]


@dataclass(frozen=True)
class MergeConfiguration:
    """A set of shared layer groups; a place belongs to at most one of them, or ConfigurationError is raised."""

    groups: frozenset[SharedLayerGroup] = frozenset()

    def __post_init__(self) -> None:
        seen: set[LayerPlace] = set()
        for group in self.groups:
            if len(group.queries) < 2:
                raise ConfigurationError("A shared layer group needs layers of at least two queries.")
            if not seen.isdisjoint(group.places) or len(set(group.places)) < len(group.places):
                raise ConfigurationError("A layer belongs to at most one shared layer group.")
            seen.update(group.places)

    @property
    def saved_bytes(self) -> int:
        return sum(group.saved_bytes for group in self.groups)

    @cached_property
    def queries(self) -> frozenset[str]:
        return frozenset(place.query for group in self.groups for place in group.places)

    @cached_property
    def merged_groups(self) -> tuple[MergedGroup, ...]:
        """The connected components of queries, ordered by their first query's name."""
        root_of = _components(group.queries for group in self.groups)
        members: dict[str, set[str]] = {}
        for query, root in root_of.items():
            members.setdefault(root, set()).add(query)
        layers: dict[str, set[SharedLayerGroup]] = {root: set() for root in members}
        for group in self.groups:
            layers[root_of[group.places[0].query]].add(group)
        found = (MergedGroup(tuple(sorted(members[root])), frozenset(layers[root])) for root in members)
        return tuple(sorted(found, key=lambda merged: merged.queries))

    @cached_property
    def holding_equal_weights(self) -> tuple[SharedLayerGroup, ...]:
        """Groups in which some places use one tensor already, in order."""
        return tuple(group for group in self.ordered() if len({p.content for p in group.places}) < len(group.places))

    @cached_property
    def group_at(self) -> Mapping[LayerPlace, SharedLayerGroup]:
        return {place: group for group in self.groups for place in group.places}

    def holds(self, group: SharedLayerGroup) -> bool:
        """Whether its places share one copy here, perhaps with others."""
        here = self.group_at.get(group.places[0])
        return here is not None and set(group.places).issubset(here.places)

    def gain_bytes(self, group: SharedLayerGroup) -> int:
        """What sharing `group` as well would save on top."""
        own = {self.group_at[place] for place in group.places if place in self.group_at}
        return _joined(group, self.group_at).saved_bytes - sum(other.saved_bytes for other in own)

    def with_groups(self, groups: Iterable[SharedLayerGroup]) -> "MergeConfiguration":
        """With these shared as well; a group here that has a place of a new one grows into it."""
        group_at = dict(self.group_at)
        for group in groups:
            joined = _joined(group, group_at)
            group_at.update(dict.fromkeys(joined.places, joined))
        return MergeConfiguration(frozenset({id(group): group for group in group_at.values()}.values()))

    def ordered(self) -> tuple[SharedLayerGroup, ...]:
        """Groups in one fixed order, heaviest saving first: sets have none, and a run must be repeatable."""
        return tuple(sorted(self.groups, key=lambda group: (-group.saved_bytes, group.places)))

    def without_places(self, places: Iterable[LayerPlace]) -> "MergeConfiguration":
        """The configuration after these places got their own weights; what then saves nothing dissolves."""
        leaving = set(places)
        kept = (_reduced(group, leaving) for group in self.groups)
        return MergeConfiguration(frozenset(group for group in kept if group is not None)).worthwhile()

    def worthwhile(self) -> "MergeConfiguration":
        """Without merged groups that save nothing as a whole."""
        saving = (merged.groups for merged in self.merged_groups if any(group.saved_bytes for group in merged.groups))
        return MergeConfiguration(frozenset[SharedLayerGroup]().union(*saving))


def _components(ties: Iterable[frozenset[str]]) -> dict[str, str]:
    """Query -> representative of its component, by union-find with path halving."""
    parent: dict[str, str] = {}

    def find(query: str) -> str:
        parent.setdefault(query, query)
        while parent[query] != query:
            parent[query] = parent[parent[query]]
            query = parent[query]
        return query

    for tie in ties:
        first, *rest = sorted(tie)
        for query in rest:
            parent[find(query)] = find(first)
        find(first)
    return {query: find(query) for query in list(parent)}


def _joined(group: SharedLayerGroup, group_at: Mapping[LayerPlace, SharedLayerGroup]) -> SharedLayerGroup:
    """`group` together with all groups of `group_at` that it has a place in common with: one copy for all of them."""
    beside = {id(found): found for place in group.places if (found := group_at.get(place)) is not None}
    places = set(group.places).union(*(other.places for other in beside.values()))
    return SharedLayerGroup(group.signature, group.size_bytes, tuple(sorted(places)))


def _reduced(group: SharedLayerGroup, leaving: set[LayerPlace]) -> SharedLayerGroup | None:
    return group if leaving.isdisjoint(group.places) else group.among(set(group.places) - leaving)
