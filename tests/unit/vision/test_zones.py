"""Which objects stand in a zone, against a slower rule and by hand."""

import numpy as np
import pytest

from edge_runtime.vision.spec import Classification, Detections
from edge_runtime.vision.zones import split_by_zone

LOWER_HALF = ((0.0, 0.5), (1.0, 0.5), (1.0, 1.0), (0.0, 1.0))
# An L that lies on its back: the upper right quarter is missing.
CORNER = ((0.0, 0.0), (0.5, 0.0), (0.5, 0.5), (1.0, 0.5), (1.0, 1.0), (0.0, 1.0))


def found(*boxes):
    count = len(boxes)
    return Detections(np.array(boxes, np.float32).reshape(-1, 4), np.arange(count), np.linspace(0.9, 0.5, count))


@pytest.mark.parametrize(
    ("box", "is_in"),
    [
        ((0.4, 0.1, 0.6, 0.7), True),  # stands in it, most of it above
        ((0.4, 0.1, 0.6, 0.4), False),
        ((0.4, 0.2, 0.6, 0.5), True),  # on its edge
        ((0.9, 0.6, 1.0, 1.0), True),  # cut by the picture's edge
    ],
)
def test_an_object_is_where_it_stands(box, is_in):
    inside, outside = split_by_zone(found(box), LOWER_HALF)
    assert (len(inside.boxes), len(outside.boxes)) == (is_in, not is_in)


def _is_in(x, y, zone):
    """Even-odd rule: a ray to the right crosses the outline an odd number of times."""
    crossings = 0
    for (x0, y0), (x1, y1) in zip(zone, zone[1:] + zone[:1], strict=True):
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) / (y1 - y0) * (x1 - x0):
            crossings += 1
    return crossings % 2 == 1


def test_splits_as_the_even_odd_rule_does_and_loses_nothing():
    chance = np.random.default_rng(5)
    corners = np.sort(chance.random((200, 2, 2)), axis=1).reshape(200, 4)
    everything = found(*corners)
    for zone in (LOWER_HALF, CORNER, CORNER[::-1]):
        inside, outside = split_by_zone(everything, zone)
        expected = np.array([_is_in((b[0] + b[2]) / 2, b[3], zone) for b in everything.boxes])
        for part, mask in ((inside, expected), (outside, ~expected)):
            assert np.array_equal(part.boxes, everything.boxes[mask])
            assert np.array_equal(part.labels, everything.labels[mask])
            assert np.array_equal(part.scores, everything.scores[mask])


def test_nothing_found_stays_nothing():
    inside, outside = split_by_zone(found(), CORNER)
    assert inside.boxes.shape == outside.boxes.shape == (0, 4)


def test_without_a_zone_and_for_classifications_everything_counts():
    everything = found((0, 0, 0.1, 0.1))
    assert split_by_zone(everything, ()) == (everything, None)
    answer = Classification(0, np.array([1.0], np.float32))
    assert split_by_zone(answer, CORNER) == (answer, None)
