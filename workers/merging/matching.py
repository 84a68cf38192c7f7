"""Finds the layers that may share weights: equal signatures, the k-th of one model with the k-th of the others.

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
    def size_bytes(self) -> int: ...


def shareable_groups(
    inventories: Mapping[str, Sequence[MatchableLayer]], contents: Mapping[tuple[str, str], str]
) -> tuple[SharedLayerGroup, ...]:
    """Every group of at least two queries, heaviest saving first.

    Groups whose places hold the same weights already save nothing, but belong: trained apart, they would need more.

    `inventories`: layers per query in order of the network. `contents`: (query, layer name) -> digest of its weights.
    """
    occurrences: defaultdict[tuple[str, int], list[tuple[LayerPlace, int]]] = defaultdict(list)
    for query in sorted(inventories):
        seen: Counter[str] = Counter()
        for layer in inventories[query]:
            place = LayerPlace(query, layer.name, contents[query, layer.name])
            occurrences[layer.signature, seen[layer.signature]].append((place, layer.size_bytes))
            seen[layer.signature] += 1
    groups = (
        SharedLayerGroup(signature, members[0][1], tuple(sorted(place for place, _ in members)))
        for (signature, _), members in occurrences.items()
        if len(members) >= 2
    )
    shareable = (group for group in groups if len(group.queries) >= 2)
    return MergeConfiguration(frozenset(shareable)).ordered()


def maximal_configuration(
    inventories: Mapping[str, Sequence[MatchableLayer]], contents: Mapping[tuple[str, str], str]
) -> MergeConfiguration:
    """Everything that may be shared, shared: the upper bound of what merging can save."""
    return MergeConfiguration(frozenset(shareable_groups(inventories, contents))).worthwhile()
