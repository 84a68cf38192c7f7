import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, norm

from webapp.accuracy.windows import Sums, Z, sums_of, window_accuracy

SCORES = st.lists(st.tuples(st.integers(0, 40).map(lambda n: 2 * n), st.integers(0, 40)), max_size=60)
RIGHT, WRONG = (2, 0), (0, 2)  # a classification


def test_the_bounds_hold_with_99_percent_on_their_side():
    assert norm.cdf(Z) == pytest.approx(0.99, abs=1e-4)


@pytest.mark.parametrize(("right", "frames"), [(48, 50), (50, 50), (0, 20), (190, 200), (1, 2)])
def test_of_classifications_the_bounds_are_wilsons(right, frames):
    found = window_accuracy(sums_of([RIGHT] * right + [WRONG] * (frames - right)))
    expected = binomtest(right, frames).proportion_ci(confidence_level=2 * norm.cdf(Z) - 1, method="wilson")
    assert (found.value, found.frames) == (pytest.approx(right / frames), frames)
    assert (found.lower, found.upper) == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_of_detections_the_bound_is_about_as_wide_as_frames_drawn_again_and_again():
    """Against a bootstrap over frames, which knows no formula: objects of one frame stand and fall together."""
    generator = np.random.default_rng(5)
    scored = []
    for _ in range(300):
        objects, share = int(generator.integers(1, 9)), generator.choice([0.5, 1.0], p=[0.2, 0.8])
        right = int(generator.binomial(objects, share))
        scored.append((2 * right, 2 * (objects - right)))
    found = window_accuracy(sums_of(scored))
    rows = np.array([(right, right + wrong) for right, wrong in scored], float)
    drawn = rows[generator.integers(0, len(rows), (4000, len(rows)))].sum(axis=1)
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [0.01, 0.99])
    assert found.upper - found.lower == pytest.approx(high - low, rel=0.15)
    assert found.lower == pytest.approx(low, abs=0.01)


def test_without_frames_nothing_is_known_and_frames_with_nothing_in_them_are_right():
    assert window_accuracy(Sums()) is None
    empty = window_accuracy(sums_of([(0, 0)] * 30))
    assert empty.value == 1.0
    assert empty.lower < 1.0


@given(SCORES, SCORES)
def test_sums_of_two_windows_are_those_of_both_together(first, second):
    assert sums_of(first) + sums_of(second) == sums_of(first + second)


@given(SCORES.filter(bool))
def test_bounds_enclose_the_value_and_stay_fractions(scored):
    found = window_accuracy(sums_of(scored))
    assert 0.0 <= found.lower <= found.value + 1e-12
    assert found.value - 1e-12 <= found.upper <= 1.0
    assert not math.isnan(found.lower)
