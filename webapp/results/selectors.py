"""Reading counts and events of the sites that a person sees."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.files.storage import default_storage
from django.db import connection
from django.db.models import Exists, Max, Min, QuerySet
from django.utils.translation import gettext

from webapp.audit.models import AuditEvent
from webapp.common.errors import NotFound
from webapp.fleets.models import Box, Camera, Site
from webapp.fleets.selectors import seen_by, sites_of
from webapp.results.charts import BucketCount
from webapp.results.models import Event, HourCount, MinuteCount
from webapp.workloads.models import Query

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Scope:
    """What results are of: exactly one of these."""

    site: Site | None = None
    box: Box | None = None
    camera: Camera | None = None
    query: Query | None = None

    def __str__(self) -> str:
        return str(self.site or self.box or self.camera or self.query)


def minute_counts(actor: Any | None, scope: Scope, since: datetime, until: datetime) -> QuerySet[MinuteCount]:
    """Counts from `since` on and before `until`, oldest first; deleted queries’ as well."""
    counts = _of(MinuteCount.objects.filter(minute__gte=since, minute__lt=until), actor, scope)
    return counts.order_by("minute", "query_id")


def _of(rows: QuerySet[Any], actor: Any | None, scope: Scope) -> QuerySet[Any]:
    """Those of `scope`, none if `actor` may not see it: asked once, where a join would ask it of 10,000 minutes."""
    seen = seen_by(actor, Camera.objects.all(), "box__site")
    if scope.query is not None:
        return rows.filter(Exists(seen.filter(id=scope.query.camera_id)), query_id=scope.query.id)
    if scope.camera is not None:
        return rows.filter(Exists(seen.filter(id=scope.camera.id)), camera=scope.camera)
    if scope.box is not None:
        return rows.filter(camera__in=seen.filter(box=scope.box))
    return rows.filter(camera__in=seen.filter(box__site=scope.site))


@dataclass(frozen=True)
class HoursWhole:
    """From `since` to `until`, which is over, every hour with counts has its HourCounts."""

    since: datetime
    until: datetime


def hours_whole() -> HoursWhole | None:
    """None before the first hour was added up."""
    found = HourCount.objects.aggregate(first=Min("hour"), last=Max("hour"))
    return HoursWhole(found["first"], found["last"] + HOUR) if found["first"] else None


def bucket_counts(
    actor: Any | None, scope: Scope, since: datetime, until: datetime, bucket: timedelta
) -> list[BucketCount]:
    """minute_counts per bucket from `since` on, added up by the database: a week has 10,080 minutes of each query.

    Hours that were added up already are read as such."""
    asked = [one.query.sql_with_params() for one in _counts(actor, scope, since, until, bucket)]
    counts = " UNION ALL ".join(sql for sql, _ in asked)
    parameters = [value for _, values in asked for value in values]
    found: dict[tuple[UUID, datetime], BucketCount] = {}
    with connection.cursor() as cursor:
        cursor.execute(_PER_BUCKET.format(counts=counts), [*parameters, bucket, since])
        for query_id, start, what, label, total in cursor.fetchall():
            row = found.setdefault((query_id, start), BucketCount(query_id, start))
            if what == "frames":
                row.frames = int(total)
            elif what == "appeared":
                row.appeared[label] = int(total)
            else:
                row.present[label] = total
    return list(found.values())


def _counts(
    actor: Any | None, scope: Scope, since: datetime, until: datetime, bucket: timedelta
) -> Iterator[QuerySet[Any, Any]]:
    """Rows of minutes and of hours that do not overlap."""
    is_by_hour = not bucket % HOUR and since.timestamp() % HOUR.total_seconds() == 0
    whole = hours_whole() if is_by_hour else None
    first, last = (max(whole.since, since), min(whole.until, until)) if whole else (until, until)
    rest = [(since, until)]
    if first < last:
        hours = _of(HourCount.objects.filter(hour__gte=first, hour__lt=last), actor, scope)
        yield hours.values_list("query_id", "hour", *_COUNTED)
        rest = [(start, end) for start, end in ((since, first), (last, until)) if start < end]
    for start, end in rest:
        yield minute_counts(actor, scope, start, end).order_by().values_list("query_id", "minute", *_COUNTED)


_COUNTED = ("frames", "appeared", "present")
# Each part by itself: of all parts together the planner expects a million groups, and sorts instead of hashing them.
_PER_BUCKET = """
WITH counts (query_id, minute, frames, appeared, present) AS ({counts}),
binned AS MATERIALIZED (SELECT query_id, date_bin(%s, minute, %s) AS start, frames, appeared, present FROM counts)
SELECT query_id, start, 'frames', '', sum(frames)::float FROM binned GROUP BY query_id, start
UNION ALL SELECT query_id, start, 'appeared', label, sum(value::float)
    FROM binned, jsonb_each_text(appeared) AS one (label, value) GROUP BY query_id, start, label
UNION ALL SELECT query_id, start, 'present', label, sum(value::float)
    FROM binned, jsonb_each_text(present) AS one (label, value) GROUP BY query_id, start, label
"""


def event_list(actor: Any | None, scope: Scope, since: datetime, until: datetime, label: str = "") -> QuerySet[Event]:
    """Events from `since` on and before `until`, newest first, with their camera, box and query."""
    events = _of(Event.objects.filter(at__gte=since, at__lt=until), actor, scope)
    events = events.filter(label=label) if label else events
    return events.select_related("camera__box", "query").order_by("-at", "-id")


def event_labels(actor: Any | None, scope: Scope, since: datetime, until: datetime) -> list[str]:
    found = event_list(actor, scope, since, until).order_by("label").values_list("label", flat=True)
    return list(found.distinct())


def event_get(actor: Any | None, event_id: UUID) -> Event:
    """Raises NotFound."""
    event = Event.objects.filter(camera__box__site__in=sites_of(actor), id=event_id).select_related("camera").first()
    if event is None:
        raise NotFound(gettext("There is no such event, or it is older than events are kept."))
    return event


def picture_of(event: Event) -> bytes:
    """JPEG. Raises NotFound where there is none, or the camera's privacy lets it not be seen any more."""
    if not event.has_picture:
        raise NotFound(gettext("There is no picture of this event."))
    with default_storage.open(event.picture) as file:
        content: bytes = file.read()
    return content


def query_names(query_ids: Collection[UUID]) -> dict[UUID, str]:
    """Names of queries, of deleted ones as the audit log has them."""
    gone = AuditEvent.objects.filter(action="query.delete", subject_id__in=query_ids)
    names = dict(gone.values_list("subject_id", "subject_name"))
    return names | dict(Query.objects.filter(id__in=query_ids).values_list("id", "name"))
