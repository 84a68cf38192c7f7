"""The figures of the overview, counted by the database: the fleet may be too large to look at each box and query."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from webapp.audit.models import AuditEvent
from webapp.fleets.selectors import boxes_of, seen_by, sees_everything, sites_of
from webapp.merges.running import accepted_on_labels, judged_on_labels
from webapp.merges.savings import Saving
from webapp.telemetry.losses import LOST_SHARE
from webapp.telemetry.selectors import FleetMinute, fleet_minute, queries_disagreeing
from webapp.workloads.models import Query
from webapp.workloads.selectors import query_list


@dataclass(frozen=True)
class OverviewFigures:
    """`frames` is None until a whole minute was measured; queries count as at target until measured below.

    `bytes_*`: weights of merged groups on all boxes that run them (`boxes_saving`), apart and merged.
    """

    boxes: int
    boxes_well: int
    bytes_before: int
    bytes_after: int
    boxes_saving: int
    queries: int
    queries_at_target: int
    frames: FleetMinute | None

    @property
    def is_losing(self) -> bool:
        """Whether the fleet as a whole loses frames, be it for a minute only."""
        in_time = self.frames.in_time if self.frames else None
        return in_time is not None and in_time <= 1 - LOST_SHARE


def overview_figures(
    actor: Any, savings: Iterable[Saving], now: datetime, *, boxes: int, boxes_well: int, queries_below: int
) -> OverviewFigures:
    running = [saving for saving in savings if saving.until is None]
    count = query_list(actor).count()
    return OverviewFigures(
        boxes=boxes,
        boxes_well=boxes_well,
        bytes_before=sum(saving.bytes_before for saving in running),
        bytes_after=sum(saving.bytes_after for saving in running),
        boxes_saving=len({saving.box_id for saving in running}),
        queries=count,
        queries_at_target=count - queries_below,
        frames=fleet_minute(boxes_of(actor), now),
    )


def queries_below(actor: Any, now: datetime) -> QuerySet[Query]:
    """Those below their accuracy target by the newest samples, as rows.QueryRow.is_below_target says of one."""
    disagreeing = queries_disagreeing(boxes_of(actor), now)
    suspected = Q(id__in=disagreeing) & judged_on_labels() | judged_on_labels(is_failing=True)
    queries = seen_by(actor, Query.objects.filter(suspected), "camera__box__site").select_related("camera")
    suspects = list(queries.only("accuracy_target", "camera__box").order_by())
    accepted = accepted_on_labels(suspects)
    failed = {
        query.id
        for query in suspects
        if query.id in accepted and accepted[query.id].validation_accuracy < query.accuracy_target
    }
    return query_list(actor).filter(id__in=disagreeing - accepted.keys() | failed)


def events_lately(actor: Any, limit: int = 12) -> QuerySet[AuditEvent]:
    events = AuditEvent.objects.select_related("actor")
    if not sees_everything(actor):
        events = events.filter(site_id__in=sites_of(actor).values("id"))
    return events[:limit]
