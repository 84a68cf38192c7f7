"""Parts of pages that are fetched again while they are looked at, pictures of events, and exports.

The pages themselves gather more than results, so they are the dashboard's.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext

from webapp.common.errors import InvalidInput
from webapp.fleets.selectors import box_get, camera_get, site_get
from webapp.results.export import count_lines, csv_attachment, event_lines, picture_address
from webapp.results.panels import count_panel, event_panel, narrowed_events
from webapp.results.ranges import shown_of, time_of
from webapp.results.selectors import Scope, bucket_counts, event_get, minute_counts, picture_of
from webapp.workloads.selectors import query_get


def counts(request: HttpRequest, query_id: UUID) -> HttpResponse:
    query = query_get(request.user, query_id)
    shown = shown_of(request.GET, timezone.now())
    rows = bucket_counts(request.user, Scope(query=query), shown.since, shown.until, shown.span.bucket)
    return render(request, "results/counts.html", {"panel": count_panel(query, shown, rows)})


def events(request: HttpRequest, **subject: UUID) -> HttpResponse:
    scope = _scope(request.user, **subject)
    panel = event_panel(request.user, scope, shown_of(request.GET, timezone.now()), request.GET)
    camera = scope.camera or scope.query.camera
    return render(request, "results/event_list.html", {"events": panel, "camera": camera, "query": scope.query})


def event_picture(request: HttpRequest, event_id: UUID) -> HttpResponse:
    """Raises NotFound, also at once when the camera's pictures may no longer be seen."""
    event = event_get(request.user, event_id)
    headers = {"Cache-Control": "private, max-age=600"}
    return HttpResponse(picture_of(event), content_type="image/jpeg", headers=headers)


def counts_csv(request: HttpRequest, **subject: UUID) -> StreamingHttpResponse:
    scope = _scope(request.user, **subject)
    since, until = _exported(request)
    lines = count_lines(minute_counts(request.user, scope, since, until))
    return csv_attachment(lines, f"counts of {scope}", since, until)


def events_csv(request: HttpRequest, **subject: UUID) -> StreamingHttpResponse:
    scope = _scope(request.user, **subject)
    since, until = _exported(request)
    address = picture_address(request, "results:event-picture")
    events = narrowed_events(request.user, scope, since, until, request.GET)
    return csv_attachment(event_lines(events, address), f"events of {scope}", since, until)


def _scope(
    actor: Any,
    *,
    query_id: UUID | None = None,
    camera_id: UUID | None = None,
    box_id: UUID | None = None,
    site_id: UUID | None = None,
) -> Scope:
    """Of the one that is given. Raises NotFound for what `actor` may not see."""
    if query_id is not None:
        return Scope(query=query_get(actor, query_id))
    if site_id is not None:
        return Scope(site=site_get(actor, site_id))
    return Scope(camera=camera_get(actor, camera_id)) if camera_id else Scope(box=box_get(actor, box_id))


def _exported(request: HttpRequest) -> tuple[datetime, datetime]:
    """From "since" and "until", else what a page with the same address shows. Raises InvalidInput."""
    shown = shown_of(request.GET, timezone.now())
    since, until = time_of(request.GET, "since"), time_of(request.GET, "until")
    if since is None:
        return shown.since, shown.until
    until = until or timezone.now()
    if since >= until:
        raise InvalidInput(gettext('"since" lies before "until".'))
    return since, until
