"""Statistics as columns for the charts of a page: one list per line, the first one Unix seconds.

Rows are samples, or rollups of a minute or an hour. Where some are missing between two rollups, a row of nothing stands
between them: a time without statistics is drawn as a gap.
"""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from webapp.telemetry.models import BoxRollup, BoxSample, QueryRollup, QuerySample, Resolution

MEMORY_BANDS = ("overhead", "activations", "private", "shared", "free")
STEP_S = {Resolution.MINUTE: 60, Resolution.HOUR: 3600}

Points = dict[str, list[float | None]]
Row = TypeVar("Row", BoxSample | BoxRollup, QuerySample | QueryRollup)


def memory_points(rows: Iterable[BoxSample | BoxRollup]) -> Points:
    """Bytes per band and the budget, oldest first."""
    points: Points = {name: [] for name in ("at", *MEMORY_BANDS, "budget")}
    for at, row in _with_gaps(rows):
        points["at"].append(at)
        for band in (*MEMORY_BANDS, "budget"):
            points[band].append(row and getattr(row, f"memory_{band}"))
    return points


def query_points(rows: Iterable[QuerySample | QueryRollup]) -> Points:
    """Frames per sample or rollup, latencies in ms and agreement as a fraction, oldest first."""
    names = ("processed", "latency_p50_ms", "latency_p95_ms", "agreement")
    points: Points = {name: [] for name in ("at", *names, "lost")}
    for at, row in _with_gaps(rows):
        points["at"].append(at)
        for name in names:
            points[name].append(row and getattr(row, name))
        points["lost"].append(row and row.dropped + row.late)
    return points


def _with_gaps(rows: Iterable[Row]) -> Iterator[tuple[float, Row | None]]:
    """(Unix seconds, row), with None for rollups that are missing."""
    before: float | None = None
    for row in rows:
        if isinstance(row, BoxSample | QuerySample):
            yield row.at.timestamp(), row
            continue
        at, step_s = row.start.timestamp(), STEP_S[Resolution(row.resolution)]
        if before is not None and at > before + step_s:
            yield before + step_s, None
        before = at
        yield at, row
