"""Reading the accuracy of windows."""

from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet, Sum

from webapp.accuracy.models import AccuracyMinute
from webapp.accuracy.windows import Sums

_NAMES = tuple(field.name for field in fields(Sums))
_SUMS = {f"sum_{name}": Sum(name) for name in _NAMES}


def window_sums(queries: Iterable[UUID], since: datetime, version: int = 0) -> dict[UUID, Sums]:
    """By query: what was scored from the minute of `since` on, under bundle `version` or a later one."""
    minutes = AccuracyMinute.objects.filter(query_id__in=list(queries), bundle_version__gte=version)
    return _by_query(minutes.filter(minute__gte=since.replace(second=0, microsecond=0)))


def first_sums(query: UUID, version: int, frames: int) -> Sums:
    """Of the first minutes under bundle `version` or a later one, until there are `frames` of them."""
    found = Sums()
    minutes = AccuracyMinute.objects.filter(query_id=query, bundle_version__gte=version).order_by("minute")
    for row in minutes.values_list(*_NAMES)[: 24 * 60]:
        found += Sums(*row)
        if found.frames >= frames:
            break
    return found


def _by_query(minutes: QuerySet[AccuracyMinute]) -> dict[UUID, Sums]:
    rows = minutes.values("query_id").annotate(**_SUMS)
    return {row["query_id"]: Sums(*(row[name] for name in _SUMS)) for row in rows}


def scored_since(now: datetime, span: timedelta) -> frozenset[UUID]:
    """Queries of which any frame was scored lately."""
    minutes = AccuracyMinute.objects.filter(minute__gte=now - span)
    return frozenset(minutes.values_list("query_id", flat=True).distinct())
