"""Statistics per minute and hour: what hand calculation gives, however late and however often anything comes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from edge_runtime.protocol.messages import MemorySample, QuerySample, Stats
from webapp.telemetry.models import BoxRollup, QueryRollup, Resolution, RollupDue
from webapp.telemetry.selectors import box_rollups, query_rollups
from webapp.telemetry.services import rollups_prune, rollups_update, stats_record
from webapp.telemetry.services.rollups import SETTLED_AFTER
from webapp.workloads.models import Query

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
OVER = NOON + timedelta(minutes=2) + SETTLED_AFTER
MINUTE, HOUR = Resolution.MINUTE, Resolution.HOUR


def send(fleet: Any, query: Any, at: datetime, *, used: int = 60, processed: int = 8, p50: float | None = 20.0) -> None:
    """One message of two seconds; 10 frames captured."""
    memory = MemorySample(100, used - 15, 0, 10, 5, 100 - used, 500)
    part = QuerySample(str(query.id), 10, processed, 10 - processed, 0, p50, 50.0, 1, 4.0, 0.9, 5)
    seq = int((at - NOON).total_seconds()) + 10**6
    now = max(at, getattr(fleet, "now", at))
    assert stats_record(
        box=fleet.box, stats=Stats("boot", seq, at.timestamp(), 2.0, 1, memory, (part,), (), 10.0), now=now
    )


@pytest.fixture
def query(fleet: Any) -> Any:
    """After two minutes of statistics: 60 and 80 bytes used in turn in the first, 90 in the second."""
    query = fleet.query()
    for second in range(0, 60, 2):
        send(fleet, query, NOON + timedelta(seconds=second), used=60 if second % 4 else 80)
        send(fleet, query, NOON + timedelta(seconds=60 + second), used=90, processed=4, p50=80.0)
    rollups_update(now=OVER)
    return query


def minute_rows(fleet: Any) -> list[BoxRollup]:
    return list(box_rollups(fleet.box, MINUTE, NOON - timedelta(days=1)))


def test_minutes_hold_means_and_sums_of_their_samples(fleet: Any, query: Any) -> None:
    first, second = minute_rows(fleet)
    assert (first.start, first.seconds, first.memory_free, first.memory_used_max) == (NOON, 60.0, 30, 80)
    assert (second.memory_budget, second.memory_free, second.memory_private) == (100, 10, 75)
    frames, _ = query_rollups(query, MINUTE, NOON)
    assert (frames.captured, frames.processed, frames.dropped, frames.swaps, frames.swap_ms) == (300, 240, 60, 30, 120)
    assert (frames.latency_p50_ms, frames.latency_p95_ms, frames.agreement) == (20.0, 50.0, pytest.approx(0.9))


def test_hours_are_weighted_by_what_was_observed(fleet: Any, query: Any) -> None:
    (hour,) = box_rollups(fleet.box, HOUR, NOON)
    assert (hour.start, hour.seconds, hour.memory_free, hour.memory_used_max) == (NOON, 120.0, 20, 90)
    (frames,) = query_rollups(query, HOUR, NOON)
    assert (frames.captured, frames.processed) == (600, 360)
    assert frames.latency_p50_ms == pytest.approx((240 * 20 + 120 * 80) / 360)


def test_boxes_add_up_their_queries_against_the_targets_of_these(fleet: Any, query: Any) -> None:
    strict = fleet.query("strict")
    Query.objects.filter(id=strict.id).update(accuracy_target=0.97)
    Query.objects.filter(id=query.id).update(accuracy_target=0.85)
    for second in (0, 2):
        send(fleet, query, NOON + timedelta(hours=1, seconds=second))
        send(fleet, strict, NOON + timedelta(hours=1, minutes=1, seconds=second))
    rollups_update(now=NOON + timedelta(hours=2))
    figures = ("captured", "processed", "judged", "kept")
    found = box_rollups(fleet.box, MINUTE, NOON + timedelta(hours=1)).values_list(*figures)
    assert list(found) == [(20, 16, 1, 1), (20, 16, 1, 0)]
    assert list(box_rollups(fleet.box, HOUR, NOON + timedelta(hours=1)).values_list(*figures)) == [(40, 32, 2, 1)]


def test_a_minute_is_added_up_once_it_is_over_and_settled(fleet: Any, query: Any) -> None:
    send(fleet, query, NOON + timedelta(minutes=2))
    for late_s, minutes in ((0, 2), (89, 2), (90, 3)):
        rollups_update(now=NOON + timedelta(minutes=2, seconds=late_s))
        assert len(minute_rows(fleet)) == minutes
    assert RollupDue.objects.count() == 0


def test_a_sample_that_comes_between_late_and_settled_brings_no_minute_forward(
    fleet: Any, make_fleet: Any, query: Any
) -> None:
    other = make_fleet("airport")
    fleet.now = other.now = NOON + timedelta(minutes=3, seconds=12)
    send(fleet, query, NOON + timedelta(minutes=2, seconds=58))
    assert RollupDue.objects.count() == 1
    rollups_update(now=fleet.now)
    assert (len(minute_rows(fleet)), RollupDue.objects.count()) == (2, 1)
    send(other, other.query(), NOON + timedelta(minutes=2, seconds=50))
    rollups_update(now=NOON + timedelta(minutes=3) + SETTLED_AFTER)
    assert (len(minute_rows(fleet)), len(minute_rows(other)), RollupDue.objects.count()) == (3, 1, 0)


def test_running_again_changes_nothing(fleet: Any, query: Any) -> None:
    before = list(BoxRollup.objects.order_by("id").values()), list(QueryRollup.objects.order_by("id").values())
    rollups_update(now=OVER)
    assert (
        list(BoxRollup.objects.order_by("id").values()),
        list(QueryRollup.objects.order_by("id").values()),
    ) == before


def test_a_day_that_comes_late_is_added_up_when_it_comes(fleet: Any, query: Any) -> None:
    fleet.now = OVER
    yesterday = NOON - timedelta(hours=20)
    for second in range(0, 180, 2):
        send(fleet, query, yesterday + timedelta(seconds=second), used=40)
    assert RollupDue.objects.count() == 3
    rollups_update(now=fleet.now)
    assert not RollupDue.objects.exists()
    assert [row.memory_free for row in minute_rows(fleet)] == [60, 60, 60, 30, 10]
    assert [row.seconds for row in box_rollups(fleet.box, HOUR, yesterday)] == [180.0, 120.0]


def test_a_box_that_comes_late_makes_only_its_own_hours_be_computed_again(
    fleet: Any, make_fleet: Any, query: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webapp.telemetry.services.rollups.DUE_BATCH", 2)
    other = make_fleet("airport")
    other.now = OVER
    yesterday = NOON - timedelta(hours=20)
    send(other, other.query(), yesterday)
    rollups_update(now=OVER)
    BoxRollup.objects.filter(box=other.box, resolution=HOUR).update(cpu_percent=-1.0)
    fleet.now = OVER
    for minute in range(0, 121, 30):
        send(fleet, query, yesterday + timedelta(minutes=minute), used=40)
    rollups_update(now=fleet.now)
    assert not RollupDue.objects.exists()
    assert [row.seconds for row in box_rollups(fleet.box, HOUR, yesterday)] == [4.0, 4.0, 2.0, 120.0]
    assert [row.captured for row in query_rollups(query, HOUR, yesterday)] == [20, 20, 10, 600]
    assert [row.cpu_percent for row in box_rollups(other.box, HOUR, yesterday)] == [-1.0]


def test_nothing_is_missing_after_the_clockwork_stood_still(fleet: Any, query: Any) -> None:
    for minute in range(2, 8):
        send(fleet, query, NOON + timedelta(minutes=minute), used=50)
    rollups_update(now=NOON + timedelta(minutes=30))
    assert len(minute_rows(fleet)) == 8


def test_each_resolution_is_kept_for_its_time(fleet: Any, query: Any) -> None:
    rollups_prune(now=NOON + timedelta(days=15))
    assert not minute_rows(fleet)
    assert box_rollups(fleet.box, HOUR, NOON).count() == 1
    assert rollups_prune(now=NOON + timedelta(days=401)) == 2
