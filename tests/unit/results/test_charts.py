"""Counts as bars and totals."""

from datetime import UTC, datetime, timedelta

import pytest

from webapp.results.charts import CLASSES_DRAWN, OTHERS, count_series
from webapp.results.models import MinuteCount
from webapp.results.ranges import shown_of

NOW = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)


def row(minutes_ago: int, frames: int, appeared: dict, present: dict) -> MinuteCount:
    return MinuteCount(minute=NOW - timedelta(minutes=minutes_ago), frames=frames, appeared=appeared, present=present)


def test_hours_add_up_their_minutes_and_hours_without_any_are_not_measured() -> None:
    rows = [
        row(120, 60, {"car": 2}, {"car": 60.0}),
        row(100, 20, {"car": 3, "truck": 1}, {"car": 40.0, "truck": 5.0}),
        row(10, 20, {}, {}),
    ]
    series = count_series(rows, shown_of({"span": "24h"}, NOW), ["truck", "car"])

    assert [found.label for found in series.classes] == ["truck", "car"]
    truck, car = series.classes
    assert (car.appeared, truck.appeared, series.frames) == (5, 1, 100)
    assert car.mean == pytest.approx(100 / 100)
    assert truck.mean == pytest.approx(5 / 100)
    # 10:30 and 10:50 lie in the third last hour, 12:20 in the last; nothing was measured from 11:00 to 12:00.
    assert car.bars[-3:] == (5, None, 0)
    assert car.bars[:-3] == (None,) * 21


def test_rare_classes_are_drawn_as_one_and_nothing_is_lost() -> None:
    appeared = {f"class {index:02}": index + 1 for index in range(20)}
    series = count_series([row(1, 10, appeared, {})], shown_of({"span": "1h"}, NOW), [])

    drawn = series.drawn["classes"]
    assert len(series.classes) == 20
    assert [found["label"] for found in drawn] == [f"class {index}" for index in range(13, 20)] + [OTHERS]
    assert len(drawn) == CLASSES_DRAWN
    assert sum(found["bars"][-1] or found["bars"][-2] for found in drawn) == sum(appeared.values()) == series.appeared


def test_a_network_of_a_thousand_classes_lists_what_was_seen() -> None:
    wanted = [f"class {index}" for index in range(1000)]
    series = count_series([row(1, 10, {"class 900": 3}, {"class 900": 5.0})], shown_of({"span": "1h"}, NOW), wanted)
    assert [found.label for found in series.classes] == [*wanted[:CLASSES_DRAWN], "class 900"]
