"""Counts per hour: charts say the same from hours and from minutes, whatever comes late."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from edge_runtime.protocol.messages import MemorySample, QuerySample, Stats
from webapp.results.models import HourCount, MinuteCount
from webapp.results.selectors import Scope, bucket_counts, hours_whole
from webapp.results.services import count_hours_update, counts_prune
from webapp.results.services.hours import HOURS_AT_ONCE, SETTLED_AFTER
from webapp.telemetry.services import rollups_update, stats_record

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MEMORY = MemorySample(budget=100, private=40, shared=20, activations=10, overhead=5, free=25, rss=500)
LABELS = ("car", "truck", "bus")


def fill(query: Any, since: datetime, minutes: int, seed: int = 1) -> None:
    """Most of these minutes, with what a random query counts."""
    chance = random.Random(seed)
    MinuteCount.objects.bulk_create(
        MinuteCount(
            camera=query.camera,
            query_id=query.id,
            minute=since + timedelta(minutes=n),
            frames=chance.randint(1, 300),
            appeared={label: chance.randint(1, 9) for label in LABELS if chance.random() < 0.3},
            present={label: round(chance.random() * 99, 3) for label in LABELS if chance.random() < 0.5},
        )
        for n in range(minutes)
        if chance.random() < 0.8
    )


def shown(fleet: Any, since: datetime, until: datetime, **of: Any) -> dict:
    rows = bucket_counts(None, Scope(**of or {"box": fleet.box}), since, until, HOUR)
    return {
        (row.query_id, row.minute): (row.frames, row.appeared, {label: round(n, 3) for label, n in row.present.items()})
        for row in rows
    }


def send(fleet: Any, query: Any, at: datetime, now: datetime) -> None:
    part = QuerySample(str(query.id), 5, 5, 0, 0, 9.0, 9.0, 0, 0.0, None, 0, {"car": 1.0}, {"car": 2})
    stats = Stats("boot", int((at - NOON).total_seconds()) + 10**6, at.timestamp(), 1.0, 1, MEMORY, (part,))
    assert stats_record(box=fleet.box, stats=stats, now=now)


def test_charts_say_the_same_from_hours_as_from_minutes(fleet: Any) -> None:
    first, second = fleet.query("cars"), fleet.query("trucks")
    fill(first, NOON - 5 * HOUR, 300)
    fill(second, NOON - 3 * HOUR, 60, seed=2)
    spans = [(NOON - 5 * HOUR, NOON), (NOON - 9 * HOUR, NOON - 4 * HOUR), (NOON - 2 * HOUR, NOON + HOUR)]
    scopes: list[dict[str, Any]] = [{}, {"camera": fleet.camera}, {"query": second}]
    asked = [(since, until, of) for since, until in spans for of in scopes]
    by_minutes = [shown(fleet, since, until, **of) for since, until, of in asked]
    assert any(by_minutes)

    assert count_hours_update(now=NOON) == 4  # the fifth is over, but not for long enough
    assert [shown(fleet, since, until, **of) for since, until, of in asked] == by_minutes
    assert HourCount.objects.count() == 5
    MinuteCount.objects.filter(minute__lt=NOON - HOUR).delete()
    assert [shown(fleet, since, until, **of) for since, until, of in asked] == by_minutes  # they do read the hours
    assert not shown(fleet, NOON - 5 * HOUR + timedelta(minutes=30), NOON - HOUR)  # which such buckets cannot


def test_an_hour_is_added_up_once_it_is_over_and_settled_and_hours_without_counts_are_passed_over(fleet: Any) -> None:
    query = fleet.query()
    fill(query, NOON - 30 * HOUR, 30)
    fill(query, NOON, 60)
    assert count_hours_update(now=NOON + HOUR + SETTLED_AFTER - timedelta(seconds=1)) == 1
    assert count_hours_update(now=NOON + HOUR + SETTLED_AFTER) == 1
    assert list(HourCount.objects.order_by("hour").values_list("hour", flat=True)) == [NOON - 30 * HOUR, NOON]
    whole = hours_whole()
    assert whole is not None
    assert (whole.since, whole.until) == (NOON - 30 * HOUR, NOON + HOUR)


def test_an_installation_from_before_there_were_hours_gets_those_of_a_week_some_at_a_time(fleet: Any) -> None:
    query = fleet.query()
    for hours in (24 * 30, 24 * 8 - 1, *range(1, HOURS_AT_ONCE + 1)):
        fill(query, NOON - hours * HOUR, 60)
    since, until = NOON - 31 * DAY, NOON
    before = shown(fleet, since, until)
    done = []
    while not done or done[-1] == HOURS_AT_ONCE:
        done.append(count_hours_update(now=NOON + HOUR))
        assert shown(fleet, since, until) == before
    assert done == [HOURS_AT_ONCE, 1]


def test_what_comes_late_is_in_the_hour_when_the_rollups_are_up_to_date(fleet: Any, make_fleet: Any) -> None:
    query, other = fleet.query(), make_fleet("airport")
    for at in (NOON - 3 * HOUR, NOON):
        send(fleet, query, at + timedelta(minutes=20), now=at + timedelta(minutes=20))
    send(other, other.query(), NOON - 3 * HOUR, now=NOON - 3 * HOUR)
    now = NOON + 2 * HOUR
    rollups_update(now=now)
    assert HourCount.objects.count() == 3
    late = [NOON - 3 * HOUR + timedelta(minutes=40), NOON - 2 * HOUR, NOON - 10 * HOUR, NOON + timedelta(seconds=0.4)]
    for at in late:
        send(fleet, query, at, now=now)
    rollups_update(now=now)
    # A second that ended on the hour is counted in the hour before.
    found = {hour: (frames, appeared) for (_, hour), (frames, appeared, _) in shown(fleet, NOON - DAY, now).items()}
    once = (5, {"car": 2})
    assert found == {
        NOON - 11 * HOUR: once,  # before the first hour: from minutes
        NOON - 3 * HOUR: (15, {"car": 6}),
        NOON - HOUR: once,
        NOON: once,
    }
    hours = HourCount.objects.filter(query_id=query.id).order_by("hour").values_list("hour", "frames")
    assert list(hours) == [(NOON - 3 * HOUR, 15), (NOON - HOUR, 5), (NOON, 5)]


def test_hours_are_forgotten_with_their_minutes_and_with_their_camera(fleet: Any) -> None:
    query = fleet.query()
    fill(query, NOON - 2 * HOUR, 60)
    count_hours_update(now=NOON)
    assert counts_prune(now=NOON + timedelta(days=399)) == 0
    counts_prune(now=NOON + timedelta(days=401))
    assert not HourCount.objects.exists()
    assert not MinuteCount.objects.exists()
    fill(query, NOON - 2 * HOUR, 60)
    count_hours_update(now=NOON)
    fleet.camera.delete()
    assert not HourCount.objects.exists()
