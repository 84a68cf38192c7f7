"""gemel: the paper's search. One kind of layer after the other is added, heaviest first, and retrained for.

Source: Padmanabhan et al., Gemel (NSDI 2023), section 5. Its rules, and how they are read here:

1. Identical layers of the same queries form one group. Groups are ordered by the memory that sharing them saves,
   descending, down to the smallest.
2. The next group is added to all that is accepted, and the affected queries are retrained jointly: those of the group,
   and those that share a layer with them already, because their weights move too. Nobody else is touched. Training
   starts from the weights that were accepted last, and ends early on success.
3. When all hold their targets the group is kept. Otherwise queries that met theirs keep it. That is a configuration of
   its own, since the others hold accepted layers together with them: it goes on from the weights just reached, so it
   usually holds at its first evaluation, before any training.
4. What is left of the group (for queries that missed) is halved, first half before second half: by layers, and by
   queries once one layer is left. They join the copy of those that kept it. When the next group saves more than the
   first half, the search moves on and what is left stays unshared.
5. It ends when no group is left. Every failure replaces a group by two strictly smaller ones, or by none.
"""

from collections import defaultdict, deque
from collections.abc import Iterable
from typing import ClassVar, NamedTuple

from workers.merging.configuration import LayerPlace, MergeConfiguration, SharedLayerGroup
from workers.merging.history import History, Proposal, Start
from workers.merging.strategies.replay import (
    Replay,
    Search,
    accepted_so_far,
    queries_meeting_targets,
    with_equal_weights,
)

IdenticalLayers = tuple[SharedLayerGroup, ...]


class Addition(NamedTuple):
    """Layers to be shared on top of what is accepted, and the weights to start from."""

    layers: IdenticalLayers
    start: Start


class Gemel:
    name: ClassVar[str] = "gemel"
    has_accuracy_targets: ClassVar[bool] = True
    keeps_partial_success: ClassVar[bool] = True
    accepts_on_the_way: ClassVar[bool] = False
    reads_conflict: ClassVar[bool] = False

    def __init__(self) -> None:
        self._replay = Replay(_search)

    def next_proposal(self, history: History) -> Proposal | None:
        addition = self._replay.wanted(history)
        if addition is None:
            return None
        configuration = accepted_so_far(history).with_groups(addition.layers)
        return Proposal(with_equal_weights(configuration, history.maximal), addition.start)


def _search(history: History) -> Search[Addition]:
    waiting = deque(identical_layers(history))
    while waiting:
        wanted = waiting.popleft()
        attempt = yield Addition(wanted, Start.ACCEPTED)
        met = _only_for(queries_meeting_targets(attempt), wanted, attempt.accepted)
        if met and met != wanted:
            attempt = yield Addition(met, Start.REACHED)
        accepted = attempt.accepted
        left = [part for part in halves(_missing(wanted, accepted), accepted) if part != met]
        if left and (not waiting or _gain(left[0], accepted) >= _gain(waiting[0], accepted)):
            waiting.extendleft(reversed(left))


def identical_layers(history: History) -> list[IdenticalLayers]:
    """Layers of one signature and the same queries, in order of the network; the heaviest saving first."""
    number = {(query, name): n for query, names in history.layers.items() for n, name in enumerate(names)}
    kinds: defaultdict[tuple[str, frozenset[str]], list[SharedLayerGroup]] = defaultdict(list)
    for group in history.maximal.ordered():
        kinds[group.signature, group.queries].append(group)

    def depth(group: SharedLayerGroup) -> tuple[int, LayerPlace]:
        place = group.places[0]
        return number.get((place.query, place.layer), 0), place

    found = [tuple(sorted(groups, key=depth)) for groups in kinds.values()]
    saving = [layers for layers in found if any(group.saved_bytes for group in layers)]
    return sorted(saving, key=lambda layers: (-sum(group.saved_bytes for group in layers), layers[0].places))


def halves(layers: IdenticalLayers, accepted: MergeConfiguration) -> list[IdenticalLayers]:
    """First and second half: of the layers, or of the queries of a single one; without a half that saves nothing."""
    middle = (len(layers) + 1) // 2
    parts = (layers[:middle], layers[middle:]) if len(layers) != 1 else _queries_halved(layers[0], accepted)
    return [saving for part in parts if (saving := _saving(part, accepted))]


def _queries_halved(layer: SharedLayerGroup, accepted: MergeConfiguration) -> list[IdenticalLayers]:
    """Halves of those that do not share it yet, each beside those that do."""
    kept = [place for place in layer.places if place in accepted.group_at]
    missing = [place for place in layer.places if place not in accepted.group_at]
    if len(missing) < 2:
        return []
    middle = (len(missing) + 1) // 2
    parts = (layer.among([*kept, *part]) for part in (missing[:middle], missing[middle:]))
    return [(part,) for part in parts if part is not None]


def _only_for(queries: Iterable[str], layers: IdenticalLayers, accepted: MergeConfiguration) -> IdenticalLayers:
    """These layers for `queries` alone, beside whoever shares them already."""
    wanted = set(queries)
    parts = (
        layer.among(place for place in layer.places if place.query in wanted or place in accepted.group_at)
        for layer in layers
    )
    return _saving((part for part in parts if part is not None), accepted)


def _missing(layers: IdenticalLayers, accepted: MergeConfiguration) -> IdenticalLayers:
    return tuple(layer for layer in layers if not accepted.holds(layer))


def _saving(layers: Iterable[SharedLayerGroup], accepted: MergeConfiguration) -> IdenticalLayers:
    return tuple(layer for layer in layers if accepted.gain_bytes(layer) > 0)


def _gain(layers: IdenticalLayers, accepted: MergeConfiguration) -> int:
    return sum(accepted.gain_bytes(layer) for layer in layers)
