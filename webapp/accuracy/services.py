"""Taking in scored frames, and forgetting what no window reaches any more."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from operator import attrgetter
from uuid import UUID

from django.db import connection
from psycopg2.extras import execute_values

from edge_runtime.protocol.messages import QuerySample
from webapp.accuracy.models import AccuracyMinute
from webapp.accuracy.windows import Sums, sums_of

KEPT = timedelta(days=3)
PRUNE_BATCH = 20_000
_TABLE = AccuracyMinute._meta.db_table
_KEY = ("box_id", "query_id", "bundle_version", "minute")
_figures = attrgetter(*(field.name for field in fields(Sums)))
_SUMS = tuple(f'"{field.name}"' for field in fields(Sums))  # quoted: RIGHT is a word of SQL
_UPSERT = (
    f"INSERT INTO {_TABLE} ({', '.join((*_KEY, *_SUMS))}) VALUES %s "
    "ON CONFLICT (query_id, minute, bundle_version) DO UPDATE SET "
    + ", ".join(f"{name} = {_TABLE}.{name} + EXCLUDED.{name}" for name in _SUMS)
)


@dataclass(frozen=True)
class Scored:
    """What a query of that box had scored around `at`, while the box ran that bundle version."""

    sample: QuerySample
    box_id: UUID
    bundle_version: int
    at: datetime


def accuracy_add(scored: Iterable[Scored]) -> None:
    """Adds each to its minute. Call it once per stored message, in the transaction that stores it."""
    minutes: dict[tuple[str, str, int, datetime], Sums] = {}
    for one in scored:
        if one.sample.scored:
            minute = one.at.replace(second=0, microsecond=0)
            key = (str(one.box_id), one.sample.query, one.bundle_version, minute)
            minutes[key] = minutes.get(key, Sums()) + sums_of(one.sample.scored)
    if minutes:
        rows = [(*key, *_figures(minutes[key])) for key in sorted(minutes)]  # one order, so that none waits in a circle
        with connection.cursor() as cursor:
            execute_values(cursor, _UPSERT, rows)


def accuracy_prune(*, now: datetime) -> int:
    """Removes minutes older than KEPT, in batches so that no lock is held for long. Returns how many."""
    old = AccuracyMinute.objects.filter(minute__lt=now - KEPT).order_by("minute")
    removed = 0
    while batch := list(old.values_list("id", flat=True)[:PRUNE_BATCH]):
        removed += AccuracyMinute.objects.filter(id__in=batch)._raw_delete(using="default")
    return removed
