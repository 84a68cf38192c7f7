"""What is claimed of the intake of statistics, held against what was measured: pure."""

import math
from collections.abc import Iterator, Sequence

import msgspec

from benchmarks.claims import Check

P99_MAX_MS = 2000.0
LIVE_MAX_MS = 1000.0


class Delays(msgspec.Struct, frozen=True):
    """Milliseconds; None without any."""

    count: int
    p50_ms: float | None
    p99_ms: float | None
    max_ms: float | None


class Step(msgspec.Struct, frozen=True):
    """Every box sent `rate_fps` samples a second for `seconds`. `to_row`: from the box's sending to its hearing that
    the row is committed. `to_browser`: from its sending to a page that looks at the box. `box_late_p99_ms`: how late
    the simulation itself was. `cpu_ms_per_sample` by process. `left`: not acknowledged when waiting was given up."""

    rate_fps: float
    samples_per_s: float
    seconds: float
    sent: int
    left: int
    drained_s: float
    to_row: Delays
    to_browser: Delays
    box_late_p99_ms: float | None
    cpu_ms_per_sample: dict[str, float]

    @property
    def holds(self) -> bool:
        return self.left == 0 and self.to_row.p99_ms is not None and self.to_row.p99_ms < P99_MAX_MS


class Stored(msgspec.Struct, frozen=True):
    """Of what was sent: rows there, numbers missing, numbers there twice; the same of each query's samples, and frames
    counted per minute."""

    sent: int
    rows: int
    missing: int
    twice: int
    query_rows: int
    frames_sent: int
    frames_counted: int


class Day(msgspec.Struct, frozen=True):
    """A box that comes back with a day in its spool. `sent_in_s`: until the last sample was acknowledged;
    `added_up_in_s`: until its hours were, None if they were not. `hour_seconds`: what these add up to."""

    samples: int
    spool_bytes: int
    sent_in_s: float
    added_up_in_s: float | None
    hour_seconds: float


def delays(seconds: Sequence[float]) -> Delays:
    if not seconds:
        return Delays(0, None, None, None)
    ordered = sorted(seconds)
    p50, p99 = (ordered[min(len(ordered) - 1, math.ceil(part * len(ordered)) - 1)] for part in (0.5, 0.99))
    return Delays(len(ordered), *(round(1000 * value, 1) for value in (p50, p99, ordered[-1])))


def checks(boxes: int, queries: int, steps: Sequence[Step], stored: Stored, day: Day | None = None) -> Iterator[Check]:
    """The first step is the one that is claimed; the others look for the end."""
    first = steps[0]
    yield Check(
        f"{boxes} boxes at {first.rate_fps:g} Hz: p99 from a box to the committed row under {P99_MAX_MS / 1000:g} s",
        first.holds if first.to_row.count else None,
        f"p50 {first.to_row.p50_ms} ms, p99 {first.to_row.p99_ms} ms, longest {first.to_row.max_ms} ms of "
        f"{first.to_row.count} samples in {first.seconds:.0f} s",
    )
    is_whole = stored.rows == stored.sent and not stored.missing and not stored.twice
    is_whole = is_whole and stored.query_rows == queries * stored.sent and stored.frames_counted == stored.frames_sent
    yield Check(
        "nothing lost, nothing twice, over all steps",
        is_whole,
        f"{stored.sent} sent, {stored.rows} rows, {stored.missing} missing, {stored.twice} twice; "
        f"{stored.query_rows} rows of queries; {stored.frames_counted} of {stored.frames_sent} frames counted",
    )
    yield Check(
        f"a browser sees a sample within {LIVE_MAX_MS / 1000:g} s",
        None if first.to_browser.p99_ms is None else first.to_browser.p99_ms <= LIVE_MAX_MS,
        f"p50 {first.to_browser.p50_ms} ms, p99 {first.to_browser.p99_ms} ms of {first.to_browser.count}",
    )

    if day is not None:
        yield Check(
            "a day offline arrives and its hours are right, while the others send",
            day.added_up_in_s is not None and round(day.hour_seconds) == day.samples,
            f"{day.samples} samples in {day.sent_in_s} s, added up after {day.added_up_in_s} s to "
            f"{day.hour_seconds:.0f} s; the spool's file had {day.spool_bytes / 2**20:.0f} MiB",
        )


def breaking_point(steps: Sequence[Step]) -> tuple[float | None, float | None]:
    """(samples a second that held, that no longer did); None where it was not seen."""
    held = [step.samples_per_s for step in steps if step.holds]
    broke = [step.samples_per_s for step in steps if not step.holds]
    return (max(held) if held else None, min(broke) if broke else None)
