"""What the pictures of a merged group show: its layers as columns by bytes, its accuracies on one scale."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from webapp.merges.models import MergedGroup, MergedGroupQuery


def sharing_picture(group: MergedGroup, members: Iterable[MergedGroupQuery]) -> dict[str, Any]:
    """{"columns": [{"query", "model", "layers": [{"name", "size_bytes", "shared"}]}], ...} in the networks' order.

    `shared` is the index of the shared layer group that the layer belongs to, None for a private one.
    """
    shared = _shared_indices(group.shared_layers)
    columns = [
        {
            "query": member.name,
            "model": member.model.name,
            "layers": [
                {
                    "name": layer["name"],
                    "size_bytes": layer["size_bytes"],
                    "shared": shared.get((member.name, layer["name"])),
                }
                for layer in sorted(member.model.layers, key=lambda layer: layer["position"])
                if layer["size_bytes"]
            ],
        }
        for member in members
    ]
    return {"columns": columns, "groups": len(group.shared_layers)}


@dataclass(frozen=True)
class SharedRow:
    """One shared layer group in words: `members` are queries with their layers' names."""

    size_bytes: int
    saved_bytes: int
    members: tuple[tuple[str, str], ...]


def shared_rows(group: MergedGroup) -> list[SharedRow]:
    """Largest saving first: what the picture shows, for whoever cannot see it."""
    rows = []
    for layer in group.shared_layers:
        names = [(query, [found] if isinstance(found, str) else found) for query, found in layer["members"].items()]
        saved = layer["size_bytes"] * (sum(len(found) for _, found in names) - 1)
        members = tuple((query, ", ".join(found)) for query, found in names)
        rows.append(SharedRow(layer["size_bytes"], layer.get("saved_bytes", saved), members))
    return sorted(rows, key=lambda row: -row.saved_bytes)


@dataclass(frozen=True)
class Parts:
    """Weights after merging: what is held once for several queries, and what each keeps for itself. Bytes."""

    shared: int
    private: int
    whole: int

    @property
    def shared_width(self) -> str:
        return _percentage(self.shared / self.whole)

    @property
    def private_width(self) -> str:
        return _percentage(self.private / self.whole)


def parts_after(group: MergedGroup) -> Parts:
    """`whole` is the weights before merging, so that bars of both have one scale."""
    shared = sum(layer["size_bytes"] for layer in group.shared_layers)
    return Parts(shared, max(0, group.bytes_after - shared), max(1, group.bytes_before))


@dataclass(frozen=True)
class Span:
    """An accuracy with its interval, placed on a scale: CSS lengths."""

    at: str
    left: str
    width: str


@dataclass(frozen=True)
class AccuracyRow:
    member: MergedGroupQuery
    target_at: str
    validation: Span
    test: Span | None


@dataclass(frozen=True)
class AccuracyPicture:
    """All members on one scale from `start` to `end`, fractions."""

    start: float
    end: float
    rows: tuple[AccuracyRow, ...]


def accuracy_picture(members: Sequence[MergedGroupQuery]) -> AccuracyPicture:
    """The scale begins at the twentieth below everything that is shown."""
    known = [figure for member in members for figure in _shown(member) if figure is not None]
    start = max(0.0, math.floor(20 * min(known, default=1.0) - 1) / 20)
    scale = _Scale(start, max(1.0, *known) if known else 1.0)
    return AccuracyPicture(start, scale.end, tuple(_accuracy_row(member, scale) for member in members))


def _shown(member: MergedGroupQuery) -> tuple[float | None, ...]:
    validation = (member.validation_lower, member.validation_upper)
    return (member.accuracy_target, *validation, member.test_lower, member.test_upper)


@dataclass(frozen=True)
class _Scale:
    start: float
    end: float

    def at(self, figure: float) -> str:
        return _percentage((figure - self.start) / (self.end - self.start))

    def span(self, value: float | None, lower: float | None, upper: float | None) -> Span | None:
        if value is None or lower is None or upper is None:
            return None
        return Span(self.at(value), self.at(lower), _percentage((upper - lower) / (self.end - self.start)))


def _accuracy_row(member: MergedGroupQuery, scale: _Scale) -> AccuracyRow:
    validation = scale.span(member.validation_accuracy, member.validation_lower, member.validation_upper)
    assert validation is not None
    test = scale.span(member.test_accuracy, member.test_lower, member.test_upper)
    return AccuracyRow(member, scale.at(member.accuracy_target), validation, test)


def _percentage(fraction: float) -> str:
    return f"{100 * fraction:.2f}%"


def _shared_indices(shared_layers: list[dict[str, Any]]) -> dict[tuple[str, str], int]:
    """(query name, layer name) -> index. A query may use one shared copy at several places."""
    indices = {}
    for index, layer in enumerate(shared_layers):
        for query, names in layer["members"].items():
            for name in [names] if isinstance(names, str) else names:
                indices[query, name] = index
    return indices
