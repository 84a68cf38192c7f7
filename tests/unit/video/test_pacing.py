"""When a picture is due, which are kept, and how fast they came."""

import pytest

from edge_runtime.video.pacing import Backlog, Pace, RateMeter, keep_every


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


def _fed(backlog, pictures):
    """The lags of pictures given as (time stamp, arrival, whether it is a key picture)."""
    return [backlog.lag_s(seconds, now, is_key=is_key) for seconds, now, is_key in pictures]


def test_a_picture_is_as_old_as_it_came_later_than_the_soonest():
    backlog = Backlog()
    assert _fed(backlog, [(0.0, 10.5, True), (1.0, 11.0, False), (2.0, 12.3, False)]) == pytest.approx(
        [0.0, 0.0, 0.3], abs=2e-3
    )
    assert not backlog.is_behind


def test_behind_after_a_stall_until_a_key_picture_is_fresh_again():
    backlog = Backlog()
    _fed(backlog, [(0.0, 10.0, True), (1.0, 11.0, False)])
    _fed(backlog, [(1.1, 14.0, False), (2.0, 14.0, True)])
    assert backlog.is_behind
    _fed(backlog, [(3.7, 14.1, False)])
    assert backlog.is_behind
    _fed(backlog, [(4.0, 14.2, True)])
    assert not backlog.is_behind


@pytest.mark.parametrize("stamps", [(100.0, 0.0), (1.0, -5.0)])
def test_a_stream_whose_time_stamps_begin_again_is_not_behind(stamps):
    backlog = Backlog()
    assert _fed(backlog, [(stamps[0], 10.0, True), (stamps[1], 10.1, False)]) == [0.0, 0.0]
    assert not backlog.is_behind


def test_a_lag_that_stays_is_a_clock_that_was_set_and_not_a_queue():
    backlog = Backlog()
    _fed(backlog, [(0.0, 10.0, True), (0.1, 40.0, True), (5.2, 45.1, True)])
    assert not backlog.is_behind
    assert _fed(backlog, [(5.3, 45.2, True)]) == pytest.approx([0.0], abs=1e-3)


def test_a_camera_with_a_slow_clock_does_not_fall_behind_over_a_day():
    backlog = Backlog()
    lags = _fed(backlog, [(minute * 60 * 0.9998, minute * 60.0, True) for minute in range(24 * 60)])
    assert max(lags) < 0.1
