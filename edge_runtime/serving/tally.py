"""What became of each query's frames since the last sample, as protocol.messages.QuerySample words it."""

import math
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from edge_runtime.protocol.messages import QuerySample


@dataclass
class _Interval:
    processed: int = 0
    late: int = 0
    dropped: int = 0
    latencies_ms: list[float] = field(default_factory=list)
    swaps: int = 0
    swap_ms: float = 0.0
    counts: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Agreement:
    """`scored`: right and wrong of the frames scored since the last sample, as QuerySample.scored."""

    mean: float | None = None
    frames: int = 0
    scored: tuple[tuple[int, int], ...] = ()


class Tally:
    """Written by the executor's and the camera threads, read by whoever reports."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._intervals: dict[str, _Interval] = {}
        self._decided = [0, 0]

    def decided(self) -> tuple[int, int]:
        """Frames processed in time and frames lost, of all queries since the start."""
        with self._lock:
            return self._decided[0], self._decided[1]

    def retarget(self, queries: Iterable[str]) -> None:
        """Counts of queries that stay are kept."""
        with self._lock:
            self._intervals = {query: self._intervals.get(query, _Interval()) for query in queries}

    def dropped(self, query: str, frames: int) -> None:
        with self._lock:
            self._of(query).dropped += frames
            self._decided[1] += frames

    def late(self, query: str) -> None:
        with self._lock:
            self._of(query).late += 1
            self._decided[1] += 1

    def processed(self, query: str, latency_ms: float, counts: Mapping[str, float]) -> None:
        with self._lock:
            interval = self._of(query)
            interval.processed += 1
            self._decided[0] += 1
            interval.latencies_ms.append(latency_ms)
            for name, count in counts.items():
                interval.counts[name] = interval.counts.get(name, 0.0) + count

    def swapped(self, query: str, swap_ms: float) -> None:
        with self._lock:
            interval = self._of(query)
            interval.swaps += 1
            interval.swap_ms += swap_ms

    def _of(self, query: str) -> _Interval:
        """A query that is gone gets an interval that nobody reads."""
        return self._intervals.get(query, _Interval())

    def take(
        self, agreements: Mapping[str, Agreement], resident: Mapping[str, float] | None = None
    ) -> tuple[QuerySample, ...]:
        """One sample per query, in the order of the queries; counting starts again. `resident` as in QuerySample."""
        resident = resident or {}
        with self._lock:
            taken, self._intervals = self._intervals, {query: _Interval() for query in self._intervals}
        return tuple(
            _sample(query, interval, agreements.get(query, Agreement()), resident.get(query))
            for query, interval in taken.items()
        )


def _sample(query: str, interval: _Interval, agreement: Agreement, resident: float | None) -> QuerySample:
    return QuerySample(
        query=query,
        captured=interval.processed + interval.late + interval.dropped,
        processed=interval.processed,
        dropped=interval.dropped,
        late=interval.late,
        latency_p50_ms=percentile(interval.latencies_ms, 50),
        latency_p95_ms=percentile(interval.latencies_ms, 95),
        swaps=interval.swaps,
        swap_ms=interval.swap_ms,
        agreement=agreement.mean,
        agreement_frames=agreement.frames,
        scored=agreement.scored,
        resident=resident,
        counts={name: total / interval.processed for name, total in interval.counts.items()},
    )


def percentile(values: list[float], percent: float) -> float | None:
    """The smallest of `values` that `percent` % of them do not exceed (nearest rank); None without values."""
    if not values:
        return None
    rank = max(math.ceil(percent / 100 * len(values)), 1)
    return sorted(values)[rank - 1]
