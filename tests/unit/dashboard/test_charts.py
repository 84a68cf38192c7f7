"""Samples as columns for charts."""

from datetime import UTC, datetime, timedelta

from webapp.dashboard.charts import MEMORY_FIELDS, QUERY_FIELDS, Row, memory_points, query_points
from webapp.telemetry.models import BoxRollup, QueryRollup, Resolution

AT = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def memory_row(at: datetime, **bands: int) -> Row:
    return at, *(bands.get(field.removeprefix("memory_"), 0) for field in MEMORY_FIELDS)


def query_row(at: datetime, **figures: float) -> Row:
    return at, *(figures.get(field) for field in QUERY_FIELDS)


def test_memory_has_one_column_per_band_and_the_bands_fill_the_budget():
    bands = {"private": 30, "shared": 20, "activations": 15, "overhead": 5, "free": 30}
    points = memory_points([memory_row(AT, budget=100, **bands)] * 2)
    assert points["at"] == [AT.timestamp()] * 2
    assert {band: points[band][0] for band in bands} == bands
    assert sum(points[band][1] for band in bands) == points["budget"][1]


def test_nothing_measured_is_empty_columns():
    assert memory_points([]) == {"at": [], **{field.removeprefix("memory_"): [] for field in MEMORY_FIELDS}}
    assert query_points([]) == {"at": [], **{field: [] for field in QUERY_FIELDS}}


def test_lost_frames_are_told_apart_by_why():
    points = query_points([query_row(AT, processed=6, dropped=3, late=1, latency_p50_ms=40.0)])
    assert (points["processed"], points["dropped"], points["late"]) == ([6], [3], [1])
    assert points["agreement"] == [None]


def test_a_minute_without_statistics_is_a_gap_between_rollups():
    rows = [memory_row(AT + timedelta(minutes=n), free=7) for n in (0, 1, 4)]
    points = memory_points(rows, Resolution.MINUTE)
    assert points["at"] == [AT.timestamp() + 60 * n for n in (0, 1, 2, 4)]
    assert points["free"] == [7, 7, None, 7]


def test_a_box_that_was_silent_leaves_a_gap_between_samples_and_a_slow_one_does_not():
    at = [0, 1, 8, 30]
    points = memory_points([memory_row(AT + timedelta(seconds=n), free=7) for n in at])
    assert points["at"] == [AT.timestamp() + n for n in (0, 1, 8, 9, 30)]
    assert points["free"] == [7, 7, 7, None, 7]


def test_hours_that_follow_one_another_have_no_gap():
    rows = [query_row(AT + timedelta(hours=n), processed=6, dropped=3, late=1) for n in (0, 1)]
    assert query_points(rows, Resolution.HOUR)["dropped"] == [3, 3]


def test_what_is_drawn_of_rollups_stands_in_their_index():
    for table, fields in ((BoxRollup, MEMORY_FIELDS), (QueryRollup, QUERY_FIELDS)):
        (index,) = table._meta.constraints
        assert set(fields) == set(index.include), table
