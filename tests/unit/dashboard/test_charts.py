"""Samples as columns for charts."""

from datetime import UTC, datetime, timedelta

from webapp.dashboard.charts import memory_points, query_points
from webapp.telemetry.models import BoxRollup, BoxSample, QueryRollup, QuerySample, Resolution

AT = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def test_memory_has_one_column_per_band_and_the_bands_fill_the_budget():
    bands = {"private": 30, "shared": 20, "activations": 15, "overhead": 5, "free": 30}
    sample = BoxSample(at=AT, memory_budget=100, **{f"memory_{band}": size for band, size in bands.items()})

    points = memory_points([sample, sample])
    assert points["at"] == [AT.timestamp()] * 2
    assert {band: points[band][0] for band in bands} == bands
    assert sum(points[band][1] for band in bands) == points["budget"][1]


def test_late_frames_are_lost_frames():
    sample = QuerySample(at=AT, captured=10, processed=6, dropped=3, late=1, latency_p50_ms=40.0)

    points = query_points([sample])
    assert (points["processed"], points["lost"]) == ([6], [4])
    assert points["agreement"] == [None]


def test_a_minute_without_statistics_is_a_gap_between_rollups():
    rows = [BoxRollup(resolution=Resolution.MINUTE, start=AT + timedelta(minutes=n), memory_free=7) for n in (0, 1, 4)]

    points = memory_points(rows)
    assert points["at"] == [AT.timestamp() + 60 * n for n in (0, 1, 2, 4)]
    assert points["free"] == [7, 7, None, 7]


def test_hours_that_follow_one_another_have_no_gap():
    rows = [
        QueryRollup(resolution=Resolution.HOUR, start=AT + timedelta(hours=n), processed=6, dropped=3, late=1)
        for n in (0, 1)
    ]
    assert query_points(rows)["lost"] == [4, 4]
