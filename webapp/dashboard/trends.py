"""The overview's four figures over the last day, hour by hour: each a line of a few points, and its range in words."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext

from webapp.common.templatetags.display import number, percent, size
from webapp.merges.savings import Saving, saved_at
from webapp.telemetry.selectors import FleetHour

SPAN = timedelta(hours=24)
HOUR = timedelta(hours=1)
POINTS_LEAST = 4  # fewer are a stroke from corner to corner, which looks like a development
WIDTH, HEIGHT, MARGIN = 120.0, 28.0, 3.0  # of the drawing; CSS stretches it

Point = tuple[datetime, float]


@dataclass(frozen=True)
class Trend:
    """`lines`: SVG polylines, one for each stretch without a gap; none of fewer than POINTS_LEAST points.

    `words`: lowest and highest of its `points`, "" without any.
    """

    lines: tuple[str, ...]
    words: str
    points: int


@dataclass(frozen=True)
class Trends:
    boxes: Trend
    saved: Trend
    accuracy: Trend
    frames: Trend


def trends(hours: Iterable[FleetHour], savings: Iterable[Saving], now: datetime) -> Trends:
    measured, found = list(hours), list(savings)
    marks = [now - SPAN + step * HOUR for step in range(int(SPAN / HOUR) + 1)]
    first = measured[0].start if measured else now
    whole = measured[1:] if first > marks[0] + HOUR else measured  # the hour of the first box says too little
    boxes = [(hour.start, hour.heard_s / _seconds(hour, now)) for hour in whole]
    frames = [(hour.start, hour.processed / hour.captured) for hour in measured if hour.captured]
    accuracy = [(hour.start, hour.kept / hour.judged) for hour in measured if hour.judged]
    saved = [(mark, float(saved_at(found, mark))) for mark in marks] if found else []
    return Trends(
        boxes=trend(boxes, now, number),
        saved=trend(saved, now, size),
        accuracy=trend(accuracy, now, percent),
        frames=trend(frames, now, percent),
    )


def trend(points: list[Point], now: datetime, words: Callable[[float], str]) -> Trend:
    """`points`: oldest first, at most one an hour; where one is missing the line is broken."""
    if not points:
        return Trend((), "", 0)
    low, high = min(value for _, value in points), max(value for _, value in points)

    def place(at: datetime, value: float) -> tuple[float, float]:
        passed = (at - (now - SPAN)) / SPAN
        height = (value - low) / (high - low) if high > low else 0.5
        return min(max(passed, 0.0), 1.0) * WIDTH, HEIGHT - MARGIN - height * (HEIGHT - 2 * MARGIN)

    shown_low, shown_high = words(low), words(high)
    said = shown_low
    if shown_low != shown_high:
        said = gettext("%(low)s to %(high)s") % {"low": shown_low, "high": shown_high}
    if len(points) < POINTS_LEAST:
        return Trend((), said, len(points))
    stretches: list[list[Point]] = []
    for point in points:
        if stretches and point[0] - stretches[-1][-1][0] <= HOUR:
            stretches[-1].append(point)
        else:
            stretches.append([point])
    lines = tuple(_line([place(at, value) for at, value in stretch]) for stretch in stretches)
    return Trend(lines, said, len(points))


def _line(places: list[tuple[float, float]]) -> str:
    """A single point is drawn as a dash."""
    if len(places) == 1:
        ((x, y),) = places
        places = [(max(x - 2, 0), y), (min(x + 2, WIDTH), y)]
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _seconds(hour: FleetHour, now: datetime) -> float:
    """How long the hour has lasted; statistics of a moment ago are not added up yet, so never less than a minute."""
    return min(max((now - hour.start).total_seconds(), 60.0), HOUR.total_seconds())
