"""Counts and events as CSV, written while they are read: a year of a busy site fits no memory."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import reverse
from django.utils.text import slugify

from webapp.common.csv_text import csv_text
from webapp.results.models import Event, MinuteCount
from webapp.results.selectors import query_names
from webapp.workloads.models import Query

BATCH = 1000
_NO_EVENT = UUID(int=0)
COUNT_HEADER = (
    "minute (UTC)",
    "box",
    "camera",
    "query",
    "task",
    "class",
    "appeared (objects; classification: changes to the class)",
    "present (mean objects per frame; classification: share of frames)",
    "processed (frames)",
)
EVENT_HEADER = (
    "at (UTC)",
    "until (UTC)",
    "box",
    "camera",
    "query",
    "kind",
    "class",
    "score (0..1)",
    "left (share of width)",
    "top (share of height)",
    "right (share of width)",
    "bottom (share of height)",
    "picture",
    "event",
)


def picture_address(request: HttpRequest, view: str) -> str:
    """Of the pictures of events, with {} for the event's id."""
    return request.build_absolute_uri(reverse(view, args=[_NO_EVENT])).replace(str(_NO_EVENT), "{}")


def csv_attachment(lines: AsyncIterator[str], title: str, since: datetime, until: datetime) -> StreamingHttpResponse:
    name = f"{slugify(title)}-{since:%Y%m%dT%H%MZ}-{until:%Y%m%dT%H%MZ}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)


async def count_lines(counts: QuerySet[MinuteCount]) -> AsyncIterator[str]:
    """One row per minute, query and class: also 0 for classes a query looks for; none for minutes not measured."""
    yield csv_text([COUNT_HEADER])
    names: dict[UUID, str] = {}
    queries: dict[UUID, Query] = {}
    async for batch in _batches(counts.select_related("camera__box")):
        yield await sync_to_async(_counts_written)(batch, names, queries)


async def event_lines(events: QuerySet[Event], picture_address: str) -> AsyncIterator[str]:
    """`picture_address` has {} for the event's id."""
    yield csv_text([EVENT_HEADER])
    async for batch in _batches(events):
        yield csv_text(_event_row(event, picture_address) for event in batch)


async def _batches(rows: QuerySet[Any]) -> AsyncIterator[list[Any]]:
    batch: list[Any] = []
    async for row in rows.aiterator(chunk_size=BATCH):
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _counts_written(batch: list[Any], names: dict[UUID, str], queries: dict[UUID, Query]) -> str:
    new = {row.query_id for row in batch} - names.keys()
    if new:
        names.update(dict.fromkeys(new, "") | query_names(new))
        queries.update({query.id: query for query in Query.objects.filter(id__in=new).select_related("model")})
    return csv_text(line for row in batch for line in _count_rows(row, names[row.query_id], queries.get(row.query_id)))


def _count_rows(row: MinuteCount, name: str, query: Query | None) -> Iterator[tuple[object, ...]]:
    wanted = query.objects_wanted if query else []
    labels = [*wanted, *sorted((row.appeared.keys() | row.present.keys()) - set(wanted))]
    for label in labels:
        mean = row.present.get(label, 0.0) / row.frames if row.frames else 0.0
        yield (
            _utc(row.minute),
            row.camera.box.name,
            row.camera.name,
            name,
            query.model.task if query else "",
            label,
            row.appeared.get(label, 0),
            round(mean, 4),
            row.frames,
        )


def _event_row(event: Event, address: str) -> tuple[object, ...]:
    return (
        _utc(event.at),
        _utc(event.until) if event.until else "",
        event.camera.box.name,
        event.camera.name,
        event.query.name if event.query else event.query_name,
        event.kind,
        event.label,
        round(event.score, 4),
        *(event.area or ("", "", "", "")),
        address.format(event.id) if event.picture else "",
        event.id,
    )


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
