import numpy as np
import pytest

from workers.merging.bootstrap import bootstrap


def mean_of(values: np.ndarray):
    return lambda weights: (weights @ values) / weights.sum(axis=1)


def test_bounds_a_mean_as_the_normal_approximation_does():
    values = np.random.default_rng(1).normal(3.0, 2.0, 400)
    estimate = bootstrap(mean_of(values), 400, seed=5, resamples=4000)
    error = values.std() / 20
    assert estimate.value == pytest.approx(values.mean())
    assert estimate.lower == pytest.approx(values.mean() - 1.645 * error, abs=0.25 * error)
    assert estimate.upper == pytest.approx(values.mean() + 1.645 * error, abs=0.25 * error)


def test_agrees_with_drawing_frames_one_by_one():
    values = np.random.default_rng(2).random(50)
    generator = np.random.default_rng(9)
    slow = sorted(np.mean([values[generator.integers(50)] for _ in range(50)]) for _ in range(2000))
    estimate = bootstrap(mean_of(values), 50, seed=5, resamples=2000)
    assert estimate.lower == pytest.approx(slow[100], abs=0.015)
    assert estimate.upper == pytest.approx(slow[1900], abs=0.015)


def test_gives_the_same_bounds_for_the_same_seed():
    values = np.arange(30.0)
    assert bootstrap(mean_of(values), 30, seed=3) == bootstrap(mean_of(values), 30, seed=3)
    assert bootstrap(mean_of(values), 30, seed=3) != bootstrap(mean_of(values), 30, seed=4)
