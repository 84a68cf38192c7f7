"""What is claimed of the pages in a browser, held against what was measured: pure."""

import statistics
from collections.abc import Iterator, Sequence

import msgspec

from benchmarks.claims import Check

WEIGHT_MAX_BYTES = 400_000
LCP_MAX_MS = 1000.0
FPS_MIN = 30
POINTS, SERIES = 3600, 10
MINUTES = 30
FILLED_MINUTES = 10  # live charts look that far back, and fill up until then
GROWTH_MAX = 0.05


class Load(msgspec.Struct, frozen=True):
    """A page opened with nothing cached. `sent_bytes`: as sent, headers included. `lcp_ms`: by run, its processor
    slowed down; from the start of the navigation to its largest contentful paint."""

    page: str
    sent_bytes: int
    requests: int
    lcp_ms: tuple[float, ...]

    @property
    def median_lcp_ms(self) -> float:
        return statistics.median(self.lcp_ms)


class Chart(msgspec.Struct, frozen=True):
    """A chart that draws `series` of `points` while a further point comes every second. `frames`: drawn by the browser
    in each second; `longest_ms`: between two of them."""

    points: int
    series: int
    frames: tuple[int, ...]
    longest_ms: float


class Heap(msgspec.Struct, frozen=True):
    """What a page holds after each simulated minute of live messages, after collecting garbage."""

    page: str
    messages: int
    used_bytes: tuple[int, ...]
    nodes: tuple[int, ...]
    listeners: tuple[int, ...]

    @property
    def growth(self) -> float:
        """Of the used bytes, from the five minutes after the charts were full to the last five."""
        after, last = self.used_bytes[FILLED_MINUTES : FILLED_MINUTES + 5], self.used_bytes[-5:]
        return statistics.mean(last) / statistics.mean(after) - 1


def checks(loads: Sequence[Load], chart: Chart | None, heaps: Sequence[Heap]) -> Iterator[Check]:
    heaviest = max(loads, key=lambda load: load.sent_bytes, default=None)
    if heaviest is not None:
        yield Check(
            f"every page under {WEIGHT_MAX_BYTES // 1000} kB as sent, with nothing cached",
            heaviest.sent_bytes < WEIGHT_MAX_BYTES,
            f"the heaviest of {len(loads)}: {heaviest.page} {heaviest.sent_bytes / 1000:.0f} kB",
        )
        slow = max(loads, key=lambda load: load.median_lcp_ms)
        yield Check(
            f"largest contentful paint of every page under {LCP_MAX_MS / 1000:g} s, processor slowed 4 times",
            slow.median_lcp_ms < LCP_MAX_MS,
            f"the slowest of {len(loads)}: {slow.page} {slow.median_lcp_ms:.0f} ms, "
            f"median of all {statistics.median(load.median_lcp_ms for load in loads):.0f} ms",
        )
    if chart is not None:
        yield Check(
            f"a live chart of {SERIES} series with {POINTS} points keeps {FPS_MIN} frames a second",
            chart.series >= SERIES and chart.points >= POINTS and min(chart.frames) >= FPS_MIN,
            f"{min(chart.frames)} to {max(chart.frames)} in each of {len(chart.frames)} s, "
            f"longest between two {chart.longest_ms:.0f} ms; {chart.series} series, {chart.points} points",
        )
    for heap in heaps:
        is_whole = len(heap.used_bytes) >= MINUTES
        yield Check(
            f"{heap.page}: heap flat over {MINUTES} simulated minutes",
            heap.growth <= GROWTH_MAX if is_whole else None,
            f"{_mib(heap.used_bytes[0])} MiB, {_mib(heap.used_bytes[-1])} MiB at the end"
            + (f", {heap.growth:+.1%} since its charts were full" if is_whole else ""),
        )


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f}"
