"""Confidence bounds of a ratio of two accuracies measured on the same frames, by the paired bootstrap. Pure numpy.

Frames are drawn with replacement, merged and original together, so what is hard for both cancels out. With a few
hundred frames the point estimate alone would accept models that miss their target: decisions use the lower bound.
Source: Efron & Tibshirani, An Introduction to the Bootstrap (1993), chapter 13 (percentile intervals).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

ONE_SIDED_LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A figure with bounds, each of which holds with 95 % confidence on its own side (90 % as an interval)."""

    value: float
    lower: float
    upper: float


def bootstrap(
    statistic: Callable[[np.ndarray], np.ndarray], frames: int, *, seed: int, resamples: int = 1000
) -> Estimate:
    """`statistic` maps weights (R, frames), how often each frame was drawn, to R values."""
    generator = np.random.default_rng(seed)
    value = float(statistic(np.ones((1, frames)))[0])
    drawn = generator.multinomial(frames, np.full(frames, 1 / frames), size=resamples)
    values = statistic(drawn.astype(np.float64))
    lower, upper = np.quantile(values, [1 - ONE_SIDED_LEVEL, ONE_SIDED_LEVEL], method="linear")
    return Estimate(value, float(lower), float(upper))
