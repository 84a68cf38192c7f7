"""The overview, and pages that gather what several apps know about a box, a camera or a query."""

from datetime import timedelta
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from webapp.dashboard import attention
from webapp.dashboard.charts import memory_points, query_points
from webapp.dashboard.rows import box_rows, query_rows
from webapp.dashboard.selectors import events_lately, overview_figures
from webapp.fleets.selectors import box_get, box_list, camera_get, camera_list
from webapp.merges.selectors import groups_waiting, merge_run_list, merged_group_list
from webapp.rollouts.selectors import bundle_list
from webapp.telemetry.selectors import box_series, bundle_figures, query_series
from webapp.workloads.models import CheckState
from webapp.workloads.selectors import dataset_list, model_list, query_get

CHART_SPAN = timedelta(minutes=10)


def overview(request: HttpRequest) -> HttpResponse:
    person = request.user
    boxes = box_rows(box_list(person), timezone.now())
    queries = query_rows(person, {row.box.id: row for row in boxes})
    cameras = list(camera_list(person))
    waiting = groups_waiting(person)
    needs = [
        *attention.box_attention(boxes),
        *attention.camera_attention(cameras),
        *attention.query_attention(queries),
        *attention.model_attention(model_list(person).filter(state=CheckState.REJECTED)),
        *attention.group_attention(waiting),
    ]
    context = {
        "figures": overview_figures(person, boxes, queries),
        "needs": sorted(needs, key=lambda need: need.severity),
        "cameras": cameras,
        "waiting": waiting,
        "boxes": boxes,
        "events": events_lately(person),
    }
    return render(request, "dashboard/overview.html", context)


def boxes(request: HttpRequest) -> HttpResponse:
    return render(request, "dashboard/box_list.html", {"rows": box_rows(box_list(request.user), timezone.now())})


def box(request: HttpRequest, box_id: UUID) -> HttpResponse:
    shown = box_get(request.user, box_id)
    now = timezone.now()
    (row,) = box_rows([shown], now)
    context = {
        "row": row,
        "box": shown,
        "memory": memory_points(box_series(shown, now - CHART_SPAN)),
        "queries": query_rows(request.user, {shown.id: row}),
        "cameras": camera_list(request.user, shown),
        "bundles": bundle_list(request.user, shown)[:8],
        "bundle_figures": bundle_figures(shown),
        "runs": merge_run_list(request.user, shown)[:5],
        "groups": merged_group_list(request.user, shown)[:5],
    }
    return render(request, "dashboard/box_detail.html", context)


def cameras(request: HttpRequest) -> HttpResponse:
    return render(request, "dashboard/camera_list.html", {"cameras": camera_list(request.user)})


def camera(request: HttpRequest, camera_id: UUID) -> HttpResponse:
    shown = camera_get(request.user, camera_id)
    (row,) = box_rows([shown.box], timezone.now())
    context = {
        "camera": shown,
        "row": row,
        "queries": query_rows(request.user, {shown.box_id: row}, camera=shown),
        "datasets": dataset_list(request.user, shown),
    }
    return render(request, "dashboard/camera_detail.html", context)


def queries(request: HttpRequest) -> HttpResponse:
    rows = {row.box.id: row for row in box_rows(box_list(request.user), timezone.now())}
    return render(request, "dashboard/query_list.html", {"rows": query_rows(request.user, rows)})


def query(request: HttpRequest, query_id: UUID) -> HttpResponse:
    shown = query_get(request.user, query_id)
    now = timezone.now()
    (row,) = box_rows([shown.camera.box], now)
    queries_shown = query_rows(request.user, {shown.camera.box_id: row}, camera=shown.camera)
    context = {
        "query": shown,
        "rows": [found for found in queries_shown if found.query.id == shown.id],
        "series": query_points(query_series(shown, now - CHART_SPAN)),
        "groups": merged_group_list(request.user).filter(members__query=shown),
        "datasets": dataset_list(request.user, shown.camera)[:5],
    }
    return render(request, "dashboard/query_detail.html", context)
