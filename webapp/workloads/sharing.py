"""How much models could share: layers of one signature, the k-th of one model with the k-th of another. Pure.

As workers.merging.matching pairs them, with exact signatures; a test compares. An upper bound: what holds the accuracy
targets is found by a merge run.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from webapp.workloads.models import Model, Query

Place = tuple[str, int]  # a signature, and how often the model had it before


def places(layers: Iterable[dict[str, Any]]) -> list[tuple[Place, dict[str, Any]]]:
    """Layers as in Model.layers, in the network's order, each with its place."""
    seen: Counter[str] = Counter()
    found = []
    for layer in sorted(layers, key=lambda layer: layer["position"]):
        found.append(((layer["signature"], seen[layer["signature"]]), layer))
        seen[layer["signature"]] += 1
    return found


def shared_by(layers: Iterable[dict[str, Any]], others: Sequence[Iterable[dict[str, Any]]]) -> dict[str, int]:
    """By layer name: how many of `others`, each the layers of a model, could share it."""
    theirs = Counter(place for other in others for place in {place for place, _ in places(other)})
    return {layer["name"]: theirs[place] for place, layer in places(layers)}


def pair_bytes(first: Iterable[dict[str, Any]], second: Iterable[dict[str, Any]]) -> int:
    """What one copy of every layer that both have would save."""
    theirs = {place for place, _ in places(second)}
    return sum(layer["size_bytes"] for place, layer in places(first) if place in theirs)


@dataclass(frozen=True)
class Pair:
    """Two queries. `is_same_model`: they hold one copy already."""

    shared_bytes: int
    fraction: float
    is_same_model: bool


@dataclass(frozen=True)
class WorkloadSharing:
    """`rows`: per query, a Pair with every query, None with itself. Bytes are of distinct models' weights."""

    queries: tuple[Query, ...]
    rows: tuple[tuple[Query, tuple[Pair | None, ...]], ...]
    size_bytes: int
    most_saved_bytes: int

    @property
    def most_saved_fraction(self) -> float | None:
        return self.most_saved_bytes / self.size_bytes if self.size_bytes else None

    def pairs(self) -> list[dict[str, Any]]:
        """Each pair once."""
        return [
            {"queries": (query.id, other.id), **vars(pair)}
            for row, (query, found) in enumerate(self.rows)
            for other, pair in zip(self.queries[row + 1 :], found[row + 1 :], strict=True)
            if pair is not None
        ]


def workload_sharing(queries: Sequence[Query]) -> WorkloadSharing:
    models = {query.model_id: query.model for query in queries}
    at: defaultdict[Place, list[int]] = defaultdict(list)
    for model in models.values():
        for place, layer in places(model.layers):
            at[place].append(layer["size_bytes"])
    return WorkloadSharing(
        tuple(queries),
        tuple((query, tuple(_pair(query, other) for other in queries)) for query in queries),
        sum(model.size_bytes for model in models.values()),
        sum(sum(sizes[1:]) for sizes in at.values()),
    )


def _pair(first: Query, second: Query) -> Pair | None:
    if first == second:
        return None
    if first.model_id == second.model_id:
        return Pair(first.model.size_bytes, 1.0, is_same_model=True)
    shared = pair_bytes(first.model.layers, second.model.layers)
    smaller = min(_layer_bytes(first.model), _layer_bytes(second.model))
    return Pair(shared, shared / smaller if smaller else 0.0, is_same_model=False)


def _layer_bytes(model: Model) -> int:
    return sum(layer["size_bytes"] for layer in model.layers)
