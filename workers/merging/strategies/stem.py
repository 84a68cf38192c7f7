"""stem: only a common prefix of layers, from the input on, may be shared. A baseline.

Source: Jiang et al., Mainstream (USENIX ATC 2018): models share the computation of their first layers, each as deep as
its accuracy allows. Here they share these layers' weights. Normalisation between them stays private, as everywhere.

Queries whose first layers are identical form a tree: the deeper the prefix, the fewer have it in common. Every query
has a depth of its own. The search starts as deep as possible and bisects: a query that misses its target shrinks to
halfway between the depth that held last and the one that failed, and grows halfway again when that holds; queries
beside it that met theirs keep their depth. Training goes on from the weights reached. The depth that a query may still
have shrinks with every attempt, for one query at least, so the search ends.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import ClassVar

from workers.merging.configuration import LayerPlace, MergeConfiguration
from workers.merging.history import History, Proposal
from workers.merging.strategies.replay import Replay, Search, queries_meeting_targets, with_equal_weights

Depths = dict[str, int]  # per query, how many of its first layers are shared


class Stem:
    name: ClassVar[str] = "stem"
    has_accuracy_targets: ClassVar[bool] = True
    keeps_partial_success: ClassVar[bool] = True
    accepts_on_the_way: ClassVar[bool] = False
    reads_conflict: ClassVar[bool] = False

    def __init__(self) -> None:
        self._replay = Replay(lambda history: _search(PrefixTree(history)))

    def next_proposal(self, history: History) -> Proposal | None:
        stems = self._replay.wanted(history)
        if stems is None:
            return None
        return Proposal(with_equal_weights(stems, history.maximal)) if stems.groups else None


class PrefixTree:
    """Which queries have which first layers in common. A node is a prefix: a number, and its queries' next places."""

    def __init__(self, history: History) -> None:
        groups = history.maximal.ordered()
        number = {(p.query, p.layer): (n, p) for n, group in enumerate(groups) for p in group.places}
        self._groups = groups
        self._children: dict[tuple[int, int], int] = {}
        self._paths: dict[str, list[tuple[int, int, LayerPlace]]] = {}
        for query, names in sorted(history.layers.items()):
            self._paths[query] = list(self._path([number.get((query, name)) for name in names]))

    def _path(self, layers: list[tuple[int, LayerPlace] | None]) -> Iterator[tuple[int, int, LayerPlace]]:
        """(node, group number, place) per layer, up to the first that no other query has."""
        node = 0
        for found in layers:
            if found is None:
                return
            group, place = found
            node = self._children.setdefault((node, group), len(self._children) + 1)
            yield node, group, place

    def deepest(self) -> Depths:
        return self.in_common({query: len(path) for query, path in self._paths.items()})

    def in_common(self, depths: Mapping[str, int]) -> Depths:
        """How much of these depths each query really has in common with another."""
        uses = Counter(node for query, depth in depths.items() for node, _, _ in self._paths[query][:depth])
        return {
            query: sum(uses[node] > 1 for node, _, _ in self._paths[query][:depth]) for query, depth in depths.items()
        }

    def configuration(self, depths: Depths) -> MergeConfiguration:
        places: defaultdict[tuple[int, int], list[LayerPlace]] = defaultdict(list)
        for query, depth in depths.items():
            for node, group, place in self._paths[query][:depth]:
                places[node, group].append(place)
        stems = (self._groups[group].among(members) for (_, group), members in sorted(places.items()))
        return MergeConfiguration(frozenset(stem for stem in stems if stem is not None)).worthwhile()


def _search(tree: PrefixTree) -> Search[MergeConfiguration]:
    highest = tree.deepest()
    held = dict.fromkeys(highest, 0)
    tried = dict(highest)
    while any(tried[query] > held[query] for query in tried):
        attempt = yield tree.configuration(tried)
        too_deep, kept = set[str](), set[str]()
        for merged in attempt.configuration.merged_groups:
            if not merged.groups <= attempt.accepted.groups:
                grown = {query for query in merged.queries if tried[query] > held[query]}
                failing = grown - queries_meeting_targets(attempt) or grown
                too_deep |= failing
                kept |= set(merged.queries) - failing
        held |= {query: depth for query, depth in tried.items() if query not in too_deep | kept}
        highest = tree.in_common(highest | {query: tried[query] - 1 for query in too_deep})
        middle = {query: (held[query] + high + 1) // 2 for query, high in highest.items()}
        tried = tree.in_common(middle | {query: min(tried[query], highest[query]) for query in kept})
        if not any(tried[query] > held[query] for query in tried):
            tried = tree.in_common(middle)
