"""Counts per minute as the bars of a chart and the totals beside it. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from webapp.results.ranges import Shown

CLASSES_DRAWN = 8  # as many colours as can be told apart
OTHERS = "others"


@dataclass
class BucketCount:
    """MinuteCounts of one query added up over a bucket of time that begins at `minute`."""

    query_id: UUID
    minute: datetime
    frames: int = 0
    appeared: dict[str, int] = field(default_factory=dict)
    present: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ClassCount:
    """`bars`: objects that appeared in each bucket, None where nothing was measured. `mean`: objects at a time."""

    label: str
    appeared: int
    mean: float
    bars: tuple[int | None, ...]


@dataclass(frozen=True)
class CountSeries:
    """`at`: start of each bucket, Unix seconds. `classes` are in the order they are drawn and named in."""

    at: tuple[int, ...]
    step_s: int
    frames: int
    classes: tuple[ClassCount, ...]

    @property
    def appeared(self) -> int:
        return sum(found.appeared for found in self.classes)

    @property
    def has_gaps(self) -> bool:
        return any(None in found.bars for found in self.classes)

    @property
    def drawn(self) -> dict[str, Any]:
        """For the chart's script: at most CLASSES_DRAWN classes, the rarer ones added up as OTHERS."""
        classes = list(self.classes)
        if len(classes) > CLASSES_DRAWN:
            kept = sorted(classes, key=lambda found: -found.appeared)[: CLASSES_DRAWN - 1]
            rest = [found for found in classes if found not in kept]
            classes = [found for found in classes if found in kept] + [_added(rest)]
        named = [{"label": found.label, "bars": found.bars} for found in classes]
        return {"at": self.at, "step": self.step_s, "classes": named}


def count_series(rows: Iterable[BucketCount], shown: Shown, wanted: Sequence[str]) -> CountSeries:
    """Counts of one query. Classes that it looks for (`wanted`) come first, seen or not, unless they are very many."""
    step_s = int(shown.span.bucket.total_seconds())
    at = tuple(range(int(shown.since.timestamp()), int(shown.until.timestamp()), step_s))
    measured = [False] * len(at)
    bars: dict[str, list[int]] = {label: [0] * len(at) for label in wanted[:CLASSES_DRAWN]}
    present: dict[str, float] = {}
    frames = 0
    for row in rows:
        index = (int(row.minute.timestamp()) - at[0]) // step_s
        measured[index] = True
        frames += row.frames
        for label, objects in row.appeared.items():
            bars.setdefault(label, [0] * len(at))[index] += objects
        for label, objects in row.present.items():
            present[label] = present.get(label, 0.0) + objects
    classes = tuple(
        ClassCount(
            label=label,
            appeared=sum(bars.get(label, ())),
            mean=present.get(label, 0.0) / frames if frames else 0.0,
            bars=tuple(
                objects if is_measured else None
                for objects, is_measured in zip(bars.get(label, [0] * len(at)), measured, strict=True)
            ),
        )
        for label in [*bars, *sorted(present.keys() - bars.keys())]
    )
    return CountSeries(at, step_s, frames, classes)


def _added(classes: Sequence[ClassCount]) -> ClassCount:
    columns = zip(*(found.bars for found in classes), strict=True)
    bars = tuple(None if None in column else sum(column) for column in columns)
    return ClassCount(OTHERS, sum(found.appeared for found in classes), sum(found.mean for found in classes), bars)
