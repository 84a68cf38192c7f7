"""Reading the audit log: who administers a site sees its rows, who manages the installation sees all of them."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db.models import Q, QuerySet
from django.utils import timezone

from webapp.audit.models import AuditEvent
from webapp.common.csv_text import csv_text
from webapp.fleets.models import Site
from webapp.fleets.selectors import sees_everything, sites_administered

BATCH = 1000
CSV_HEADER = ("at", "who", "action", "subject type", "subject", "site", "address", "user agent", "API token", "detail")


@dataclass(frozen=True)
class AuditSearch:
    """What to look for; what is left empty does not matter. `since` and `until` are days, both included."""

    text: str = ""
    person: UUID | None = None
    action: str = ""
    site: UUID | None = None
    since: date | None = None
    until: date | None = None


def events_visible(actor: Any | None) -> QuerySet[AuditEvent]:
    """Newest first, with who did it."""
    events = AuditEvent.objects.select_related("actor").order_by("-at", "-id")
    return events if sees_everything(actor) else events.filter(site_id__in=sites_administered(actor).values("id"))


def events_found(actor: Any | None, search: AuditSearch) -> QuerySet[AuditEvent]:
    events = events_visible(actor)
    for word in search.text.split():
        events = events.filter(
            Q(subject_name__icontains=word) | Q(actor__username__icontains=word) | Q(address__startswith=word)
            | Q(action__icontains=word) | Q(token__icontains=word)
        )  # fmt: skip
    exact = {"actor_id": search.person, "action": search.action, "site_id": search.site}
    events = events.filter(**{field: value for field, value in exact.items() if value})
    if search.since:
        events = events.filter(at__gte=_midnight(search.since))
    return events.filter(at__lt=_midnight(search.until + timedelta(days=1))) if search.until else events


def actions_known(actor: Any | None) -> list[str]:
    return sorted(events_visible(actor).order_by().values_list("action", flat=True).distinct())


def site_names() -> dict[UUID, str]:
    return dict(Site.objects.values_list("id", "name"))


async def csv_lines(events: QuerySet[AuditEvent]) -> AsyncIterator[str]:
    """The whole log may be large, so it is read in batches, each after the last row of the one before."""
    names = await sync_to_async(site_names)()
    yield csv_text([CSV_HEADER])
    batch = await sync_to_async(list)(events[:BATCH])
    while batch:
        yield csv_text([_csv_row(event, names) for event in batch])
        last = batch[-1]
        rest = events.filter(Q(at__lt=last.at) | Q(at=last.at, id__lt=last.id))
        batch = await sync_to_async(list)(rest[:BATCH]) if len(batch) == BATCH else []


def _csv_row(event: AuditEvent, names: dict[UUID, str]) -> Sequence[object]:
    return (
        event.at.isoformat(),
        event.actor.username if event.actor else "system",
        event.action,
        event.subject_type,
        event.subject_name,
        names.get(event.site_id, "") if event.site_id else "",
        event.address,
        event.user_agent,
        event.token,
        event.detail or "",
    )


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
