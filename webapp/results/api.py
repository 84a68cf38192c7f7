"""The box's HTTP API: events."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from edge_runtime.protocol.messages import EventReport
from webapp.fleets.api import box_endpoint, decoded, sent_picture
from webapp.fleets.models import Box
from webapp.results.services import event_record


@box_endpoint("POST")
def events(request: HttpRequest, box: Box) -> HttpResponse:
    report = decoded(request.POST.get("event", ""), EventReport)
    event_record(box=box, report=report, picture=sent_picture(request), now=timezone.now())
    return HttpResponse(status=204)
