"""Statistics as columns for the charts of a page: one list per line, the first one Unix seconds.

Rows are samples, or rollups of a minute or an hour: their time, and then their fields in the order in which they are
named here. Where some are missing between two of them, a row of nothing stands between: a time without statistics is
drawn as a gap.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from webapp.telemetry.models import Resolution

MEMORY_BANDS = ("overhead", "activations", "private", "shared", "free")
MEMORY_FIELDS = tuple(f"memory_{band}" for band in (*MEMORY_BANDS, "budget"))
QUERY_FIELDS = ("processed", "latency_p50_ms", "latency_p95_ms", "agreement", "dropped", "late")
STEP_S = {Resolution.MINUTE: 60, Resolution.HOUR: 3600}
SAMPLE_S, SILENT_S = 1, 10  # between samples; a box that says nothing for longer was not measured

Points = dict[str, list[float | None]]
Row = tuple[Any, ...]  # (datetime, *figures)


def memory_points(rows: Iterable[Row], resolution: Resolution | None = None) -> Points:
    """Bytes per band and the budget, oldest first. `rows` have MEMORY_FIELDS; `resolution` None: samples."""
    return _columns(("at", *MEMORY_BANDS, "budget"), _with_gaps(rows, len(MEMORY_FIELDS), resolution))


def query_points(rows: Iterable[Row], resolution: Resolution | None = None) -> Points:
    """Frames per sample or rollup, latencies in ms and agreement as a fraction, oldest first. `rows`: QUERY_FIELDS."""
    return _columns(("at", *QUERY_FIELDS), _with_gaps(rows, len(QUERY_FIELDS), resolution))


def _columns(names: tuple[str, ...], rows: Iterable[tuple[float | None, ...]]) -> Points:
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    return {name: list(column) for name, column in zip(names, columns, strict=True)}


def _with_gaps(rows: Iterable[Row], width: int, resolution: Resolution | None) -> Iterator[tuple[float | None, ...]]:
    """(Unix seconds, *figures), with None for those that are missing."""
    step_s = SAMPLE_S if resolution is None else STEP_S[resolution]
    longest_s = SILENT_S if resolution is None else step_s
    before: float | None = None
    for start, *figures in rows:
        at = start.timestamp()
        if before is not None and at > before + longest_s:
            yield before + step_s, *[None] * width
        before = at
        yield at, *figures
