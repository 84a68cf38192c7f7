"""Counts per hour, added up from their minutes: a week of one query is 168 rows of an hour, and 10,080 of a minute.

Each hour is added up once, of all queries together, when it is over. What comes later makes the hours of its box be
added up again (telemetry knows what is late). From the first hour there is to the newest one all are whole, so charts
read these from here and the rest from the minutes. An hour in which nothing was counted has no row.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Min

from webapp.fleets.models import Camera
from webapp.results.models import HourCount, MinuteCount
from webapp.results.selectors import hours_whole

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
SETTLED_AFTER = timedelta(minutes=5)  # what is stored later is known as late
LOOK_BACK = timedelta(days=8)  # an installation from before there were hours: charts that go back further read minutes
HOURS_AT_ONCE = 6  # the task that does this has other work too, and comes again in seconds
_LOCK = 7_201_735  # two at a time would leave the older of two sums


def count_hours_update(*, now: datetime) -> int:
    """Adds up hours that are over. Returns how many; fewer than HOURS_AT_ONCE when nothing is left to do."""
    return next((done for done in range(HOURS_AT_ONCE) if not _next_hour_add(now)), HOURS_AT_ONCE)


@transaction.atomic
def _next_hour_add(now: datetime) -> bool:
    _lock()
    whole = hours_whole()
    since = whole.until if whole else now - LOOK_BACK
    minute = MinuteCount.objects.filter(minute__gte=since).aggregate(first=Min("minute"))["first"]
    if minute is None:
        return False
    hour = minute.replace(minute=0)
    if hour + HOUR + SETTLED_AFTER > now:
        return False
    _add_up("WHERE minute >= %s AND minute < %s", [hour, hour + HOUR])
    return True


@transaction.atomic
def count_hours_again(*, minutes: Collection[tuple[UUID, datetime]]) -> None:
    """Of boxes (ids) for which a message of these minutes came late: it is counted at most a minute before it ended."""
    _lock()
    whole = hours_whole()
    if whole is None:
        return
    hours = {(box_id, at.replace(minute=0)) for box_id, minute in minutes for at in (minute, minute - MINUTE)}
    late = sorted((box_id, hour) for box_id, hour in hours if whole.since <= hour < whole.until)
    if late:
        _add_up(_LATE, [[box_id for box_id, _ in late], [hour for _, hour in late]])


_LATE = f"""
JOIN {Camera._meta.db_table} AS camera ON camera.id = camera_id
JOIN unnest(%s::uuid[], %s::timestamptz[]) AS late (box, hour) ON late.box = camera.box_id
    AND minute >= late.hour AND minute < late.hour + INTERVAL '1 hour'
"""
_LABELS = """{what} AS (
    SELECT query_id, hour, jsonb_object_agg(label, total) AS found FROM (
        SELECT query_id, hour, label, sum(value::numeric) AS total
        FROM minutes, jsonb_each_text({what}) AS one (label, value) GROUP BY query_id, hour, label
    ) AS labels GROUP BY query_id, hour
)"""
_APPEARED, _PRESENT = (_LABELS.format(what=what) for what in ("appeared", "present"))
_ADD_UP = f"""
WITH minutes AS MATERIALIZED (
    SELECT camera_id, query_id, date_trunc('hour', minute, 'UTC') AS hour, frames, appeared, present
    FROM {MinuteCount._meta.db_table} {{which}}
), sums AS (
    SELECT (array_agg(camera_id))[1] AS camera_id, query_id, hour, sum(frames) AS frames
    FROM minutes GROUP BY query_id, hour
), {_APPEARED}, {_PRESENT}
INSERT INTO {HourCount._meta.db_table} (camera_id, query_id, hour, frames, appeared, present)
SELECT camera_id, query_id, hour, frames, coalesce(appeared.found, '{{{{}}}}'), coalesce(present.found, '{{{{}}}}')
FROM sums LEFT JOIN appeared USING (query_id, hour) LEFT JOIN present USING (query_id, hour)
ON CONFLICT (query_id, hour) DO UPDATE SET
    frames = EXCLUDED.frames, appeared = EXCLUDED.appeared, present = EXCLUDED.present
"""


def _add_up(which: str, parameters: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_ADD_UP.format(which=which), parameters)


def _lock() -> None:
    """Until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
