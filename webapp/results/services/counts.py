"""Counts per query and minute, added up as statistics come in and kept long after these are gone."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec

from edge_runtime.protocol.messages import QuerySample
from webapp.common.many_rows import insert_rows
from webapp.results.models import HourCount, MinuteCount
from webapp.results.policies import COUNTS_KEPT

PRUNE_BATCH = 20_000
_COLUMNS = ("camera_id", "frames", "appeared", "present")
_UPSERT = (
    f"INSERT INTO {MinuteCount._meta.db_table} (query_id, minute, {', '.join(_COLUMNS)}) VALUES %s "
    "ON CONFLICT (query_id, minute) DO UPDATE SET "
    "frames = EXCLUDED.frames, appeared = EXCLUDED.appeared, present = EXCLUDED.present"
)
_PRESENT_DECIMALS = 3  # a mean times its frames is a whole number but for the rounding of the mean


@dataclass(frozen=True)
class Counted:
    """What a query of that camera counted around `at`."""

    sample: QuerySample
    camera_id: UUID
    at: datetime


@dataclass
class _Minute:
    """As MinuteCount, without the cost of one."""

    camera_id: UUID
    frames: int
    appeared: dict[str, int]
    present: dict[str, float]

    def add(self, sample: QuerySample) -> None:
        self.frames += sample.processed
        for label, objects in sample.appeared.items():
            self.appeared[label] = self.appeared.get(label, 0) + objects
        for label, mean in sample.counts.items():
            total = self.present.get(label, 0.0) + mean * sample.processed
            self.present[label] = round(total, _PRESENT_DECIMALS)


def counts_add(counted: Iterable[Counted]) -> None:
    """Adds each to its minute.

    Call it once per stored message, in the transaction that stores it, so that a message sent twice counts once; and
    with the boxes' rows locked, so that two messages of one box never add to the same row at the same time.
    """
    named = [
        (one, (UUID(one.sample.query), one.at.replace(second=0, microsecond=0)))
        for one in counted
        if one.sample.processed or one.sample.appeared
    ]
    queries, minutes = {query for _, (query, _) in named}, {minute for _, (_, minute) in named}
    found = MinuteCount.objects.filter(query_id__in=queries, minute__in=minutes)
    stored = {
        (query, minute): _Minute(*values)
        for query, minute, *values in found.values_list("query_id", "minute", *_COLUMNS)
    }
    changed = dict[tuple[UUID, datetime], _Minute]()
    for one, key in named:
        minute = changed.setdefault(key, stored.get(key) or _Minute(one.camera_id, 0, {}, {}))
        minute.add(one.sample)
    insert_rows(
        _UPSERT,
        [
            (query, at, row.camera_id, row.frames, _json(row.appeared), _json(row.present))
            for (query, at), row in sorted(changed.items(), key=lambda item: item[0])
        ],
    )


def _json(value: dict[str, int] | dict[str, float]) -> str:
    return msgspec.json.encode(value).decode()


def counts_prune(*, now: datetime) -> int:
    """Removes counts older than COUNTS_KEPT, in batches so that no lock is held for long. Returns how many."""
    return _prune(MinuteCount, "minute", now) + _prune(HourCount, "hour", now)


def _prune(table: type[MinuteCount] | type[HourCount], at: str, now: datetime) -> int:
    old = table.objects.filter(**{f"{at}__lt": now - COUNTS_KEPT}).order_by(at)
    removed = 0
    while batch := list(old.values_list("id", flat=True)[:PRUNE_BATCH]):
        removed += table.objects.filter(id__in=batch)._raw_delete(using="default")
    return removed
