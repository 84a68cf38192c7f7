"""When a maintenance window is open, checked minute by minute against a slow reading of the same words."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.rollouts.windows import EVERY_DAY, Window

NIGHT = Window(time(22), time(4), "Europe/Berlin")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")
times = st.times().map(lambda value: value.replace(second=0, microsecond=0))
moments = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))
windows = st.builds(Window, times, times, st.sampled_from(ZONES), st.frozensets(st.integers(0, 6), min_size=1)).filter(
    lambda window: window.start != window.end
)


def at(text: str, zone: str = "Europe/Berlin") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-05-04 21:59", False),
        ("2026-05-04 22:00", True),
        ("2026-05-05 03:59", True),
        ("2026-05-05 04:00", False),
    ],
)
def test_a_window_over_midnight_is_open_on_both_sides_of_it(moment: str, is_open: bool) -> None:
    assert NIGHT.is_open(at(moment)) is is_open


def test_the_night_belongs_to_the_day_that_it_begins_on() -> None:
    saturday = Window(time(22), time(4), "Europe/Berlin", frozenset({5}))
    assert saturday.is_open(at("2026-05-10 03:00"))  # a Sunday
    assert not saturday.is_open(at("2026-05-09 03:00"))  # a Saturday


def test_the_clock_is_that_of_the_place() -> None:
    noon = Window(time(12), time(13), "America/New_York")
    assert noon.is_open(datetime(2026, 1, 5, 17, 30, tzinfo=UTC))
    assert not noon.is_open(datetime(2026, 1, 5, 12, 30, tzinfo=UTC))
    assert noon.is_open(datetime(2026, 7, 6, 16, 30, tzinfo=UTC))  # summer time


def test_a_window_in_the_hour_that_summer_time_leaves_out_opens_a_week_later() -> None:
    sunday = Window(time(2, 15), time(2, 45), "Europe/Berlin", frozenset({6}))
    assert sunday.opens_at(at("2026-03-28 12:00")) == at("2026-04-05 02:15")


@given(windows, moments)
def test_it_opens_next_at_the_first_minute_at_which_it_is_open_again(window: Window, now: datetime) -> None:
    opens_at = window.opens_at(now)
    assert opens_at is not None
    assert opens_at > now
    assert window.is_open(opens_at)
    closed_before = opens_at - timedelta(minutes=1)
    length = (datetime.combine(now, window.end) - datetime.combine(now, window.start)) % timedelta(days=1)
    if len(window.days) == 1 and length < timedelta(hours=12):
        assert not window.is_open(closed_before)


@given(windows, moments)
def test_whether_it_is_open_is_what_the_clock_on_the_wall_says(window: Window, now: datetime) -> None:
    local = now.astimezone(ZoneInfo(window.zone))
    minute = local.hour * 60 + local.minute
    start, end = (at.hour * 60 + at.minute for at in (window.start, window.end))
    if start < end:
        expected = start <= minute < end and local.weekday() in window.days
    else:
        yesterday = (local.weekday() - 1) % 7
        expected = (minute >= start and local.weekday() in window.days) or (minute < end and yesterday in window.days)
    assert window.is_open(now) is expected


def test_its_words_name_the_days_and_the_zone() -> None:
    assert str(NIGHT) == "22:00 to 04:00 of the next day, every day, Europe/Berlin"
    assert str(Window(time(1), time(2), "UTC", frozenset({5, 6}))) == "01:00 to 02:00, Saturday, Sunday, UTC"
    assert len(EVERY_DAY) == 7
