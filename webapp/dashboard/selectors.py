"""The figures of the overview, gathered from what the apps below know."""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet, Sum

from webapp.audit.models import AuditEvent
from webapp.dashboard.rows import BoxRow, QueryRow
from webapp.fleets.selectors import sees_everything, sites_of
from webapp.merges.models import MergedGroupState
from webapp.merges.selectors import merged_group_list


@dataclass(frozen=True)
class OverviewFigures:
    """`frames_*` are of the newest sample of every connected box; queries count as at target until measured below."""

    boxes: int
    boxes_well: int
    bytes_before: int
    bytes_after: int
    queries: int
    queries_at_target: int
    frames_captured: int
    frames_processed: int


def overview_figures(actor: Any, boxes: tuple[BoxRow, ...], queries: tuple[QueryRow, ...]) -> OverviewFigures:
    approved = merged_group_list(actor).filter(state=MergedGroupState.APPROVED)
    saved = approved.aggregate(before=Sum("bytes_before"), after=Sum("bytes_after"))
    samples = [row.sample for row in queries if row.sample and row.box.box.is_connected]
    return OverviewFigures(
        boxes=len(boxes),
        boxes_well=sum(row.box.is_connected and not row.status.sentence for row in boxes),
        bytes_before=saved["before"] or 0,
        bytes_after=saved["after"] or 0,
        queries=len(queries),
        queries_at_target=sum(not row.is_below_target for row in queries),
        frames_captured=sum(sample.captured for sample in samples),
        frames_processed=sum(sample.processed for sample in samples),
    )


def events_lately(actor: Any, limit: int = 12) -> QuerySet[AuditEvent]:
    events = AuditEvent.objects.select_related("actor")
    if not sees_everything(actor):
        events = events.filter(site_id__in=sites_of(actor).values("id"))
    return events[:limit]
