"""Finds the layers that may share weights: alike, and the k-th of one model with the k-th of the others.

Hashing only, so the work is linear in the number of layers. Source: Gemel (NSDI 2023), section 4.1; pairing by
occurrence keeps layers of the same depth together where a model repeats a signature.
"""

import enum
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Protocol

from workers.merging.configuration import LayerPlace, MergeConfiguration, SharedLayerGroup


class Match(enum.StrEnum):
    """When two layers may share weights. EXACT: equal signatures. SHAPE: equal weight shapes, whatever the stride."""

    EXACT = "exact"
    SHAPE = "shape"


class MatchableLayer(Protocol):
    """What matching needs of edge_runtime.vision.inventory.Layer."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def signature(self) -> str: ...
    @property
    def shape(self) -> str: ...
    @property
    def size_bytes(self) -> int: ...


def shareable_groups(
    inventories: Mapping[str, Sequence[MatchableLayer]],
    contents: Mapping[tuple[str, str], str],
    match: Match = Match.EXACT,
    *,
    joins_repeats: bool = False,
) -> tuple[SharedLayerGroup, ...]:
    """Every group of at least two queries, heaviest saving first.

    Groups whose places hold the same weights already save nothing, but belong: trained apart, they would need more.

    `inventories`: layers per query in order of the network. `contents`: (query, layer name) -> digest of its weights.
    `joins_repeats`: layers that one model repeats share too, with one another and all of the others'; saves more, and
    asks more of the one copy.
    """
    alike: defaultdict[tuple[str, int], list[tuple[LayerPlace, int]]] = defaultdict(list)
    for query in sorted(inventories):
        seen: Counter[str] = Counter()
        for layer in inventories[query]:
            kind = layer.signature if match is Match.EXACT else layer.shape
            place = LayerPlace(query, layer.name, contents[query, layer.name])
            alike[kind, 0 if joins_repeats else seen[kind]].append((place, layer.size_bytes))
            seen[kind] += 1
    groups = (
        SharedLayerGroup(kind, members[0][1], tuple(sorted(place for place, _ in members)))
        for (kind, _), members in alike.items()
        if len(members) >= 2
    )
    shareable = (group for group in groups if len(group.queries) >= 2)
    return MergeConfiguration(frozenset(shareable)).ordered()


def maximal_configuration(
    inventories: Mapping[str, Sequence[MatchableLayer]],
    contents: Mapping[tuple[str, str], str],
    match: Match = Match.EXACT,
    *,
    joins_repeats: bool = False,
) -> MergeConfiguration:
    """Everything that may be shared, shared: the upper bound of what merging can save."""
    groups = shareable_groups(inventories, contents, match, joins_repeats=joins_repeats)
    return MergeConfiguration(frozenset(groups)).worthwhile()
