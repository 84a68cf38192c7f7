"""Reading the accuracy of windows."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from webapp.accuracy.models import AccuracyMinute
from webapp.accuracy.windows import Sums

_NAMES = tuple(field.name for field in fields(Sums))
_FOUND = ", ".join(f'SUM(minutes."{name}")::bigint' for name in _NAMES)
_COLUMNS = ", ".join(f'minutes."{name}"' for name in _NAMES)
_TABLE = AccuracyMinute._meta.db_table
_WINDOWS = f"""
SELECT wanted.query, {_FOUND}
FROM unnest(%s::uuid[], %s::timestamptz[], %s::integer[]) AS wanted(query, since, version)
JOIN {_TABLE} AS minutes ON minutes.query_id = wanted.query AND minutes.minute >= wanted.since
    AND minutes.bundle_version >= wanted.version
GROUP BY wanted.query
"""
_FIRST = f"""
SELECT wanted.query, {_COLUMNS}
FROM unnest(%s::uuid[], %s::integer[], %s::integer[]) AS wanted(query, version, frames)
CROSS JOIN LATERAL (
    SELECT * FROM {_TABLE} WHERE query_id = wanted.query AND bundle_version >= wanted.version
    ORDER BY minute LIMIT wanted.frames
) AS minutes
ORDER BY wanted.query, minutes.minute
"""


@dataclass(frozen=True)
class Window:
    """What was scored of a query from the minute of `since` on, under bundle `version` or a later one."""

    query: UUID
    since: datetime
    version: int = 0


@dataclass(frozen=True)
class Beginning:
    """The first minutes of a query under bundle `version` or a later one, until there are `frames` of them."""

    query: UUID
    version: int
    frames: int


def window_sums(windows: Sequence[Window]) -> dict[UUID, Sums]:
    """By query, of which there is one window each; those without a frame are left out. One SQL statement for all."""
    since = [window.since.replace(second=0, microsecond=0) for window in windows]
    columns = [window.query for window in windows], since, [window.version for window in windows]
    return {query: Sums(*sums) for query, *sums in _rows(_WINDOWS, columns)}


def first_sums(beginnings: Sequence[Beginning]) -> dict[UUID, Sums]:
    """By query, in one SQL statement. Minutes have a frame at least, so that `frames` of them always suffice."""
    found: dict[UUID, Sums] = {}
    wanted = {one.query: one.frames for one in beginnings}
    columns = [list(wanted), [one.version for one in beginnings], list(wanted.values())]
    for query, *sums in _rows(_FIRST, columns):
        before = found.get(query, Sums())
        if before.frames < wanted[query]:
            found[query] = before + Sums(*sums)
    return found


def _rows(statement: str, columns: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    if not columns[0]:
        return []
    with connection.cursor() as cursor:
        cursor.execute(statement, [list(column) for column in columns])
        return list(cursor.fetchall())


def scored_since(now: datetime, span: timedelta) -> frozenset[UUID]:
    """Queries of which any frame was scored lately."""
    minutes = AccuracyMinute.objects.filter(minute__gte=now - span)
    return frozenset(minutes.values_list("query_id", flat=True).distinct())
