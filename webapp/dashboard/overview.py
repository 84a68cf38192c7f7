"""The fleet that a person sees, in figures, and what of it needs somebody: for the page and for programs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet

from webapp.alerts.models import AlertKind
from webapp.alerts.selectors import AlertSearch, Shown, alerts_found
from webapp.dashboard import attention
from webapp.dashboard.rows import box_rows, rows_of
from webapp.dashboard.selectors import OverviewFigures, overview_figures, queries_below
from webapp.dashboard.trends import SPAN
from webapp.fleets.models import Box
from webapp.fleets.selectors import boxes_of, cameras_of
from webapp.merges.savings import Saving, savings
from webapp.merges.selectors import groups_of_others, in_a_line
from webapp.rollouts.models import RolloutState
from webapp.rollouts.selectors import rollout_list, statuses_of_note
from webapp.rollouts.status import BoxStatus
from webapp.workloads.models import CheckState, Query
from webapp.workloads.selectors import model_list

BOXES_SHOWN, NEEDS_SHOWN = 20, 25  # the lists have all
_MODELS_STOPPED = (CheckState.REJECTED, CheckState.UNDESCRIBED)


@dataclass(frozen=True)
class Overview:
    """`boxes`: the first by name, with the statuses of these and of all that something is wrong with. `needs`: what
    needs somebody, the most urgent first, at most NEEDS_SHOWN."""

    figures: OverviewFigures
    needs: Sequence[attention.Attention]
    has_more_needs: bool
    boxes: Sequence[Box]
    statuses: Mapping[Any, BoxStatus]
    savings: Sequence[Saving]


def overview_of(person: Any, now: datetime) -> Overview:
    first = list(boxes_of(person).only("name", "enrolled_at").order_by("name")[:BOXES_SHOWN])
    statuses = statuses_of_note(boxes_of(person), now, shown=[box.id for box in first])
    wrong = [box_id for box_id, status in statuses.items() if status.sentence]
    troubled = list(boxes_of(person).filter(id__in=wrong).only("name", "enrolled_at", "is_connected"))
    boxes = boxes_of(person).aggregate(all=Count("pk"), connected=Count("pk", filter=Q(is_connected=True)))
    wells = boxes["connected"] - sum(box.is_connected for box in troubled)
    below = queries_below(person, now)
    needs = _needs(person, troubled, statuses, below, now)
    found = savings(person, now - SPAN)
    figures = overview_figures(person, found, now, boxes=boxes["all"], boxes_well=wells, queries_below=below.count())
    return Overview(figures, needs[:NEEDS_SHOWN], len(needs) > NEEDS_SHOWN, first, statuses, found)


def _needs(
    person: Any, troubled: Sequence[Box], statuses: Mapping[Any, BoxStatus], below: QuerySet[Query], now: datetime
) -> list[attention.Attention]:
    """The most urgent first. Of what there can be thousands of, one more than is shown."""
    some = slice(NEEDS_SHOWN + 1)
    failing = list(below[some])
    of_boxes = {query.camera.box_id: query.camera.box for query in failing}
    rows = rows_of(failing, {row.box.id: row for row in box_rows(of_boxes.values(), now)})
    losing = [box_id for box_id, status in statuses.items() if status.is_losing]  # said with how it keeps up
    new = alerts_found(person, AlertSearch(shown=Shown.NEW), now)
    new = new.exclude(kind=AlertKind.FRAMES_LOST, subject_id__in=losing).select_related(None)
    alerts = list(new[some])
    cameras = list(attention.camera_attention(cameras_of(person).exclude(probe_problem="")[some]))
    said = [*(alert.subject_id for alert in alerts), *(need.subject for need in cameras)]
    paused = rollout_list(person).filter(state=RolloutState.PAUSED).select_related(None)
    others = [
        *attention.box_attention(troubled, statuses, said),
        *cameras,
        *attention.query_attention(rows),
        *attention.model_attention(model_list(person).filter(state__in=_MODELS_STOPPED)[some]),
        *attention.rollout_attention(paused.select_related("group")[some]),
        *attention.group_attention(in_a_line(groups_of_others(person))[some]),  # the own ones have their own place
    ]
    return attention.said_once(attention.alert_attention(alerts), others)
