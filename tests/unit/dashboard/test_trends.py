"""The overview's trends: hours as points of a line, with its gaps and its range in words."""

from datetime import UTC, datetime, timedelta

from webapp.dashboard.trends import HOUR, POINTS_LEAST, trend, trends
from webapp.merges.savings import Saving
from webapp.telemetry.selectors import FleetHour

NOW = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)
THIS_HOUR = NOW.replace(minute=0)
MIB = 2**20


def hour(ago: int, *, heard_s: float = 7200.0, captured: int = 100, processed: int = 90, kept: int = 1) -> FleetHour:
    return FleetHour(THIS_HOUR - ago * HOUR, heard_s, captured, processed, 2, kept)


def test_says_the_range_of_each_figure():
    found = trends([hour(2), hour(1, processed=99, kept=2), hour(0, heard_s=1800.0)], [], NOW)
    assert found.boxes.words == "1.0 to 2.0"  # half an hour of the last hour has passed: one box
    assert found.frames.words == "90.0 % to 99.0 %"
    assert found.accuracy.words == "50.0 % to 100.0 %"
    assert found.saved == trend([], NOW, str)


def test_is_broken_where_hours_are_missing():
    lines = trends([hour(5), hour(4), hour(2), hour(1), hour(0)], [], NOW).boxes.lines
    assert [len(line.split()) for line in lines] == [2, 3]


def test_draws_the_day_from_left_to_right_and_more_above_less():
    points = [(NOW - 3 * HOUR, 1.0), (NOW - 2 * HOUR, 1.0), (NOW - HOUR, 3.0), (NOW, 2.0)]
    (line,) = trend(points, NOW, str).lines
    assert line == "105.0,25.0 110.0,25.0 115.0,3.0 120.0,14.0"


def test_an_hour_between_gaps_is_a_dash():
    found = trend([(NOW - 12 * HOUR, 4.0), *((NOW - ago * HOUR, 4.0) for ago in (2, 1, 0))], NOW, str)
    assert found.lines == ("58.0,14.0 62.0,14.0", "110.0,14.0 115.0,14.0 120.0,14.0")
    assert found.words == "4.0"


def test_a_trend_that_only_begins_is_said_and_not_drawn():
    found = trend([(NOW - ago * HOUR, float(ago)) for ago in range(POINTS_LEAST - 2, -1, -1)], NOW, str)
    assert (found.lines, found.words, found.points) == ((), "0.0 to 2.0", POINTS_LEAST - 1)


def test_an_hour_without_frames_or_answers_says_nothing_about_them():
    hours = [FleetHour(THIS_HOUR - HOUR, 3600.0, 0, 0, 0, 0), FleetHour(THIS_HOUR, 1800.0, 0, 0, 0, 0)]
    found = trends(hours, [], NOW)
    assert (found.frames.lines, found.accuracy.lines) == ((), ())
    assert found.boxes.words == "1.0"


def test_the_hour_in_which_the_first_box_came_is_no_measure_of_boxes():
    assert trends([hour(0, heard_s=240.0)], [], NOW).boxes == trend([], NOW, str)
    all_day = [hour(ago, heard_s=3600.0 if ago == 24 else 7200.0) for ago in range(24, -1, -1)]
    assert trends(all_day, [], NOW).boxes.words == "1.0 to 4.0"


def test_memory_is_saved_from_when_a_group_ran_until_it_was_reverted():
    runs = Saving("a", 10 * MIB, 4 * MIB, NOW - 5 * HOUR)
    reverted = Saving("b", 10 * MIB, 8 * MIB, NOW - timedelta(days=9), NOW - 10 * HOUR)
    assert trends([], [runs, reverted], NOW).saved.words == "0 B to 6.0 MiB"
    (line,) = trends([], [runs, reverted], NOW).saved.lines
    heights = [float(place.split(",")[1]) for place in line.split()]
    assert len(set(heights[:14])) == len(set(heights[14:19])) == len(set(heights[19:])) == 1
    assert heights[14] > heights[0] > heights[-1]  # nothing, 2 MiB, 6 MiB; down is more
