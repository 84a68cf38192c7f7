"""When a picture is due, which are kept, and how fast they came."""

import pytest

from edge_runtime.video.pacing import Pace, RateMeter, keep_every


def test_a_film_keeps_its_own_pace():
    pace = Pace()
    assert pace.delay_s(0.0, now=100.0) == 0.0
    assert pace.delay_s(0.5, now=100.1) == pytest.approx(0.4)


def test_a_little_late_catches_up():
    pace = Pace()
    pace.delay_s(0.0, now=100.0)
    assert pace.delay_s(0.5, now=100.8) == 0.0
    assert pace.delay_s(1.0, now=100.8) == pytest.approx(0.2)


def test_after_a_long_standstill_the_film_goes_on_from_here_instead_of_racing():
    pace = Pace()
    pace.delay_s(0.0, now=100.0)
    assert pace.delay_s(1.0, now=160.0) == 0.0
    assert pace.delay_s(1.1, now=160.0) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("source", "wanted", "every"),
    [(25, 10, 2), (30, 10, 3), (10, 10, 1), (10, 3, 3), (10, 25, 1), (0, 5, 1), (25, None, 1), (30, 0.5, 60)],
)
def test_keeps_enough_pictures_evenly_spaced(source, wanted, every):
    assert keep_every(source, wanted) == every


def test_rate_is_that_of_the_last_seconds():
    meter = RateMeter()
    assert meter.rate_fps(0.0) == 0.0
    for index in range(100):
        meter.count(index * 0.1)
    assert meter.rate_fps(9.9) == pytest.approx(10.0)
    assert meter.rate_fps(60.0) == 0.0
