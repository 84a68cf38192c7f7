"""Accuracy of a window of scored frames, with bounds. Pure.

Accuracy is the share of right answers, or F1: a ratio of two sums over frames. Answers in one frame are not
independent, so the bounds are Wilson's with the number of answers that would, if they were independent, give the
variance between frames (Korn & Graubard, Survey Methodology 24, 1998). For classification that number is the number of
frames, and the bounds are exactly Wilson's (JASA 22, 1927). Frames are taken as independent.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

# One-sided 99 %: a window is judged again and again, and 95 % would be wrong every other day.
Z = 2.326


@dataclass(frozen=True)
class Sums:
    """Over frames: of `right`, of `total`, and of their squares and products. See models.AccuracyMinute."""

    frames: int = 0
    right: int = 0
    total: int = 0
    right_right: int = 0
    right_total: int = 0
    total_total: int = 0

    def __add__(self, other: "Sums") -> "Sums":
        """Field by field: dataclasses.astuple copies, which took a third of the time in which statistics are stored."""
        return Sums(
            self.frames + other.frames,
            self.right + other.right,
            self.total + other.total,
            self.right_right + other.right_right,
            self.right_total + other.right_total,
            self.total_total + other.total_total,
        )


@dataclass(frozen=True)
class WindowAccuracy:
    """Fractions; each bound holds with 99 % on its own side. `frames`: how many were scored."""

    value: float
    lower: float
    upper: float
    frames: int


def sums_of(scored: Iterable[tuple[int, int]]) -> Sums:
    """`scored`: right and wrong of each frame, as protocol.messages.QuerySample has them."""
    return sum((_of_frame(right, right + wrong) for right, wrong in scored), Sums())


def window_accuracy(sums: Sums) -> WindowAccuracy | None:
    """None without a frame. Frames on which there was nothing to find, and nothing was found, are right."""
    if not sums.frames:
        return None
    if not sums.total:
        return WindowAccuracy(1.0, *_wilson(1.0, sums.frames), sums.frames)
    value = sums.right / sums.total
    return WindowAccuracy(value, *_wilson(value, _independent(sums, value)), sums.frames)


def _of_frame(right: int, total: int) -> Sums:
    return Sums(1, right, total, right * right, right * total, total * total)


def _independent(sums: Sums, value: float) -> float:
    """How many independent answers say as much. Never more than there were: half of `total`, but one per frame."""
    spread = sums.right_right - 2 * value * sums.right_total + value * value * sums.total_total
    if value in (0.0, 1.0) or spread <= 0:
        return float(sums.frames)
    return min(value * (1 - value) * sums.total**2 / spread, max(sums.total / 2, sums.frames))


def _wilson(value: float, count: float) -> tuple[float, float]:
    middle = value + Z * Z / (2 * count)
    half = Z * math.sqrt(value * (1 - value) / count + (Z / (2 * count)) ** 2)
    scale = 1 + Z * Z / count
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)
