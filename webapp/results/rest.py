"""REST API: counts and events, as rows and as the CSV that pages offer. Of exactly one site, box, camera or query."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext
from drf_spectacular.utils import OpenApiTypes, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from webapp.common.rest import JPEG, Listed, Reference, entered
from webapp.fleets.selectors import box_get, camera_get, site_get
from webapp.results.export import count_lines, csv_attachment, event_lines, picture_address
from webapp.results.models import Event, MinuteCount
from webapp.results.ranges import HOUR
from webapp.results.selectors import Scope, bucket_counts, event_get, event_list, minute_counts, picture_of
from webapp.workloads.selectors import query_get

CSV = {(200, "text/csv"): OpenApiTypes.STR}
DAY, MONTH = timedelta(days=1), timedelta(days=31)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_SCOPES = ("site", "box", "camera", "query")


class ScopeEntry(serializers.Serializer):
    """One of `site`, `box`, `camera` and `query`. From `since` on (a day before `until`) and before `until` (now).

    Times without a zone are UTC.
    """

    site = Reference(site_get, required=False)
    box = Reference(box_get, required=False)
    camera = Reference(camera_get, required=False)
    query = Reference(query_get, required=False)
    since = serializers.DateTimeField(required=False, default_timezone=UTC)
    until = serializers.DateTimeField(required=False, default_timezone=UTC)

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        named = {name: given.pop(name) for name in _SCOPES if name in given}
        if len(named) != 1:
            raise serializers.ValidationError(gettext("Say exactly one of site, box, camera and query."))
        until = given.get("until") or timezone.now()
        since = given.get("since") or max(until, EARLIEST) - DAY
        if since >= until:
            raise serializers.ValidationError({"since": [gettext('"since" lies before "until".')]})
        return given | {"scope": Scope(**named), "since": since, "until": until}


class EventsEntry(ScopeEntry):
    label = serializers.CharField(max_length=100, required=False, default="", allow_blank=True)


class CountAnswer(serializers.Serializer):
    """Of one query from `start` on, on `frames` processed frames.

    `appeared`: objects by class, each counted once (classification: changes to the class). `present`: mean objects per
    frame by class (classification: share of the frames). A time without a row was not measured.
    """

    query = serializers.UUIDField(source="query_id")
    start = serializers.DateTimeField(source="minute")
    frames = serializers.IntegerField()
    appeared = serializers.DictField(child=serializers.IntegerField())
    present = serializers.SerializerMethodField()

    def get_present(self, counted: Any) -> dict[str, float]:
        return {label: round(total / counted.frames, 4) for label, total in counted.present.items() if counted.frames}


class ResultEventAnswer(serializers.ModelSerializer):
    """`query` null: it was deleted since. `area`: xyxy as fractions of the picture, null for classification."""

    area = serializers.ListField(child=serializers.FloatField(), allow_null=True, read_only=True)
    has_picture = serializers.BooleanField(read_only=True)

    class Meta:
        model = Event
        fields = ("id", "camera", "query", "query_name", "kind", "label", "at", "until", "score", "area", "has_picture")


def _asked(request: Request, entry: type[ScopeEntry] = ScopeEntry) -> dict[str, Any]:
    return entered(entry, request, query=True)


@extend_schema_view(list=extend_schema(parameters=[ScopeEntry]))
class Counts(Listed):
    """Per minute, oldest first."""

    queryset = MinuteCount.objects.none()
    serializer_class = CountAnswer

    def rows(self, actor: Any) -> QuerySet[MinuteCount]:
        return minute_counts(actor, **_asked(self.request))

    @extend_schema(parameters=[ScopeEntry], responses=CountAnswer(many=True))
    @action(detail=False, pagination_class=None)
    def hours(self, request: Request) -> Response:
        """Added up per hour (UTC): of a box, a camera or a query, at most 31 days."""
        asked = _asked(request)
        if asked["scope"].site is not None or asked["until"] - asked["since"] > MONTH:
            raise serializers.ValidationError(
                gettext("Hours are of a box, a camera or a query, and at most 31 days; export/ has all minutes.")
            )
        since = asked.pop("since").replace(minute=0, second=0, microsecond=0)
        found = bucket_counts(request.user, since=since, bucket=HOUR, **asked)
        found.sort(key=lambda row: (row.minute, row.query_id))
        return Response(CountAnswer(found, many=True).data)

    @extend_schema(parameters=[ScopeEntry], responses=CSV)
    @action(detail=False, pagination_class=None)
    def export(self, request: Request) -> StreamingHttpResponse:
        """All minutes as CSV, one row per minute, query and class."""
        asked = _asked(request)
        title = f"counts of {asked['scope']}"
        return csv_attachment(count_lines(minute_counts(request.user, **asked)), title, asked["since"], asked["until"])


@extend_schema_view(list=extend_schema(parameters=[EventsEntry]))
class Events(Listed):
    """Newest first."""

    queryset = Event.objects.none()
    serializer_class = ResultEventAnswer

    def rows(self, actor: Any) -> QuerySet[Event]:
        return event_list(actor, **_asked(self.request, EventsEntry))

    @extend_schema(responses=ResultEventAnswer)
    def retrieve(self, request: Request, pk: UUID) -> Response:
        return Response(ResultEventAnswer(event_get(request.user, pk)).data)

    @extend_schema(responses=JPEG)
    @action(detail=True)
    def picture(self, request: Request, pk: UUID) -> HttpResponse:
        """As the camera's privacy lets it be seen now."""
        return HttpResponse(picture_of(event_get(request.user, pk)), content_type="image/jpeg")

    @extend_schema(parameters=[EventsEntry], responses=CSV)
    @action(detail=False, pagination_class=None)
    def export(self, request: Request) -> StreamingHttpResponse:
        """As CSV, with the addresses of the pictures."""
        asked = _asked(request, EventsEntry)
        lines = event_lines(event_list(request.user, **asked), picture_address(request, "rest-events-picture"))
        return csv_attachment(lines, f"events of {asked['scope']}", asked["since"], asked["until"])


routes = [("counts", Counts), ("events", Events)]
