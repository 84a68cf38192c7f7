"""The overview, and pages that gather what several apps know about a box, a camera or a query."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Case, When
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy

from webapp.common.errors import InvalidInput
from webapp.common.lists import shown_list
from webapp.dashboard.costs import Cost, Terms, approval_of, cost_of_adding, cost_of_changing, load_of
from webapp.dashboard.history import (
    CHART_SPANS,
    chart_span,
    memory_history,
    query_history,
    query_hours,
    residency_history,
)
from webapp.dashboard.orders import BOX_KINDS, box_orders, query_orders
from webapp.dashboard.overview import overview_of
from webapp.dashboard.rows import box_rows, query_rows, rows_of
from webapp.dashboard.search import everything_found
from webapp.dashboard.selectors import events_lately
from webapp.dashboard.trends import SPAN, trends
from webapp.drift.selectors import live_accuracies
from webapp.fleets.advice import camera_warnings
from webapp.fleets.models import Box
from webapp.fleets.selectors import box_get, box_list, boxes_of, camera_get, camera_list, cameras_of
from webapp.merges.models import MergedGroup
from webapp.merges.running import running_members
from webapp.merges.selectors import (
    boxes_placed,
    groups_decidable,
    groups_waiting,
    in_a_line,
    merge_run_list,
    merged_group_get,
    merged_group_list,
)
from webapp.results.panels import result_panels
from webapp.results.selectors import Scope
from webapp.rollouts.progress import places_of
from webapp.rollouts.selectors import (
    box_rollouts,
    bundle_list,
    rollout_tallies,
)
from webapp.telemetry.selectors import bundle_figures, fleet_hours, latest_hardware, samples_dropped
from webapp.workloads.selectors import dataset_list, model_get, query_get, query_list

WALL_CAMERAS, DECISIONS_SHOWN = 12, 5  # on the overview; the lists have all
DROPPED_SPAN = timedelta(hours=24)
TERMS_UNUSABLE = gettext_lazy(
    "Choose a camera and a model, and enter a frame rate and a deadline, to see what the query costs."
)


def overview(request: HttpRequest) -> HttpResponse:
    person, now = request.user, timezone.now()
    found = overview_of(person, now)
    context = {
        "figures": found.figures,
        "trends": trends(fleet_hours(boxes_of(person), now - SPAN, now), found.savings, now),
        "decisions": in_a_line(groups_decidable(person))[:DECISIONS_SHOWN],
        "needs": found.needs,
        "has_more_needs": found.has_more_needs,
        "cameras": cameras_of(person)[:WALL_CAMERAS],
        "boxes": box_rows(found.boxes, now, found.statuses),
        "events": events_lately(person),
    }
    return render(request, "dashboard/overview.html", context)


def search(request: HttpRequest) -> HttpResponse:
    """The page of what was found; for the command palette (htmx) its options alone."""
    text = request.GET.get("text", "").strip()
    context = {"text": text, "sections": everything_found(request.user, text, timezone.now())}
    return render(request, "components/palette_options.html" if request.htmx else "dashboard/search.html", context)


def boxes(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    found = box_list(request.user).order_by(Case(When(enrolled_at=None, then=0), default=1), "name")  # who waits: first
    shown = shown_list(found, ("name", "site__name"), request.GET, BOX_KINDS, box_orders(now))
    return render(request, "dashboard/box_list.html", {"shown": shown, "rows": box_rows(shown.page, now)})


def box(request: HttpRequest, box_id: UUID) -> HttpResponse:
    shown = box_get(request.user, box_id)
    now = timezone.now()
    (row,) = box_rows([shown], now)
    span = chart_span(request.GET)
    queries = query_rows(request.user, {shown.id: row})
    placed = box_rollouts(request.user, shown)[:5]
    context = {
        "row": row,
        "box": shown,
        "chart_spans": CHART_SPANS,
        "chart_span": span,
        "memory": memory_history(shown, span, now),
        "hardware": latest_hardware(shown),
        "samples_dropped": samples_dropped(row.sample, now - DROPPED_SPAN),
        "queries": queries,
        "query_hours": query_hours(shown, now),
        "residency": residency_history([query.query for query in queries], span, now),
        "cameras": cameras_of(request.user).filter(box=shown),
        "bundles": bundle_list(request.user, shown)[:8],
        "bundle_figures": bundle_figures(shown),
        "runs": merge_run_list(request.user, shown)[:5],
        "groups": in_a_line(merged_group_list(request.user, shown))[:5],
        "undecided": _undecided(request.user, shown),
        "places": places_of(placed, rollout_tallies(one.rollout_id for one in placed), row.status, now),
    }
    return render(request, "dashboard/box_detail.html", context)


def box_memory(request: HttpRequest, box_id: UUID) -> JsonResponse:
    """The points of its memory chart, for a page that stays open."""
    shown = box_get(request.user, box_id)
    return JsonResponse(memory_history(shown, chart_span(request.GET), timezone.now()))


def box_forecast(request: HttpRequest, box_id: UUID) -> HttpResponse:
    """What the box measured, and whether it keeps up with what it is asked (htmx)."""
    shown = box_get(request.user, box_id)
    context = {"box": shown, "load": load_of(request.user, shown), "undecided": _undecided(request.user, shown)}
    return render(request, "components/box_forecast.html", context)


def _undecided(person: Any, box: Box) -> MergedGroup | None:
    """A finished merge of the box that waits for a decision."""
    return in_a_line(groups_waiting(person).filter(run__box=box)).first()


def cameras(request: HttpRequest) -> HttpResponse:
    shown = shown_list(camera_list(request.user), ("name", "box__name", "box__site__name"), request.GET)
    return render(request, "dashboard/camera_list.html", {"shown": shown, "cameras": shown.page})


def camera(request: HttpRequest, camera_id: UUID) -> HttpResponse:
    shown = camera_get(request.user, camera_id)
    (row,) = box_rows([shown.box], timezone.now())
    context = {
        "camera": shown,
        "warnings": camera_warnings(shown),
        "row": row,
        "queries": query_rows(request.user, {shown.box_id: row}, camera=shown),
        "datasets": dataset_list(request.user, shown),
    }
    asked = [row.query for row in context["queries"]]
    context |= result_panels(request.user, Scope(camera=shown), asked, request.GET, timezone.now())
    return render(request, "dashboard/camera_detail.html", context)


def queries(request: HttpRequest) -> HttpResponse:
    fields = ("name", "model__name", "camera__name", "camera__box__name", "camera__box__site__name")
    now = timezone.now()
    shown = shown_list(query_list(request.user), fields, request.GET, orders=query_orders(now))
    boxes = box_list(request.user).filter(id__in={query.camera.box_id for query in shown.page})
    rows = rows_of(shown.page, {row.box.id: row for row in box_rows(boxes, now)})
    return render(request, "dashboard/query_list.html", {"shown": shown, "rows": rows})


def query(request: HttpRequest, query_id: UUID) -> HttpResponse:
    shown = query_get(request.user, query_id)
    now = timezone.now()
    (row,) = box_rows([shown.camera.box], now)
    running = running_members([row.box.id])
    span = chart_span(request.GET)
    context = {
        "query": shown,
        "rows": rows_of([shown], {row.box.id: row}, running),
        "chart_spans": CHART_SPANS,
        "chart_span": span,
        "series": query_history(shown, span, now),
        "groups": in_a_line(merged_group_list(request.user).filter(members__query=shown)),
        "datasets": dataset_list(request.user, shown.camera)[:5],
        "camera": shown.camera,
        "live_accuracies": live_accuracies(now, [shown.id], running),
    }
    context |= result_panels(request.user, Scope(query=shown), [shown], request.GET, now)
    return render(request, "dashboard/query_detail.html", context)


def query_series(request: HttpRequest, query_id: UUID) -> JsonResponse:
    """The points of its charts, for a page that stays open."""
    shown = query_get(request.user, query_id)
    return JsonResponse(query_history(shown, chart_span(request.GET), timezone.now()))


def query_cost(request: HttpRequest) -> HttpResponse:
    """What the query costs that is being entered (htmx)."""

    def cost() -> Cost:
        camera = camera_get(request.user, UUID(request.GET["camera"]))
        model = model_get(request.user, UUID(request.GET["model"]))
        return cost_of_adding(request.user, camera, model, _terms(request))

    return _cost_part(request, cost)


def query_change_cost(request: HttpRequest, query_id: UUID) -> HttpResponse:
    """The same for a query whose terms are being changed (htmx)."""
    shown = query_get(request.user, query_id)
    return _cost_part(request, lambda: cost_of_changing(request.user, shown, _terms(request)))


def _terms(request: HttpRequest) -> Terms:
    entered = request.GET
    return Terms(
        name=entered.get("name", "").strip(),
        rate_fps=float(entered["rate_fps"]),
        deadline_ms=int(entered["deadline_ms"]),
        priority=float(entered["priority"]),
    )


def _cost_part(request: HttpRequest, work: Callable[[], Cost]) -> HttpResponse:
    """The answer comes at once; what would help takes longer and is asked for by the answer itself."""
    try:
        cost = work()
    except (ValueError, KeyError, InvalidInput):  # nothing is wrong with a form that is not filled in yet
        return HttpResponse(TERMS_UNUSABLE)
    template = "components/query_cost_help.html" if "help" in request.GET else "components/query_cost.html"
    return render(request, template, {"cost": cost, "box": cost.box})


def group_forecast(request: HttpRequest, group_id: UUID) -> HttpResponse:
    """What approving or reverting a merged group does to the box's frames (htmx)."""
    shown = merged_group_get(request.user, group_id)
    context = {"group": shown, "approval": approval_of(request.user, shown)}
    return render(request, "components/group_forecast.html", context)


def group_accuracy(request: HttpRequest, group_id: UUID) -> HttpResponse:
    """How the queries that run a merged group agree with their originals now, and what that means (htmx)."""
    shown = merged_group_get(request.user, group_id)
    boxes = {shown.run.box_id, *boxes_placed(shown)}
    queries = [one.query.id for one in running_members(boxes) if one.member.group_id == shown.id]
    lives = live_accuracies(timezone.now(), queries)
    context = {
        "lives": lives,
        "drifting": [live for live in lives if live.is_drifting],
        "is_on_labels": any(live.watched.is_on_labels for live in lives),
    }
    return render(request, "components/group_accuracy.html", context)
