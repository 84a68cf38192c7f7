"""REST API: the audit log, the search over everything, and what boxes are foretold to do."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from webapp.audit.models import AuditEvent
from webapp.common.lists import TEXT_MAX
from webapp.common.rest import Listed, Reference, entered
from webapp.dashboard.attention import Attention
from webapp.dashboard.audit_log import AuditSearch, events_found
from webapp.dashboard.costs import Cost, Terms, approval_of, cost_of_adding, cost_of_changing, load_of
from webapp.dashboard.installation import installation
from webapp.dashboard.overview import overview_of
from webapp.dashboard.search import everything_found
from webapp.fleets.policies import require_superuser
from webapp.fleets.selectors import box_get, camera_get
from webapp.merges.selectors import merged_group_get
from webapp.people.policies import require_administrator
from webapp.rollouts.foretelling import Foretold
from webapp.workloads.selectors import model_get, query_get


class AuditAnswer(serializers.ModelSerializer):
    """`actor` null: the system itself. `token`: the API token used, "" for a page."""

    detail = serializers.DictField(read_only=True)

    class Meta:
        model = AuditEvent
        fields = ("id", "at", "actor", "action", "subject_type", "subject_id", "subject_name", "site_id", "address")
        fields += ("user_agent", "token", "detail")


class SearchEntry(serializers.Serializer):
    """What is left out does not matter. `since` and `until` are days, both included."""

    text = serializers.CharField(max_length=100, required=False, allow_blank=True)
    person = serializers.UUIDField(required=False)
    action = serializers.CharField(max_length=60, required=False, allow_blank=True)
    site = serializers.UUIDField(required=False)
    since = serializers.DateField(required=False)
    until = serializers.DateField(required=False)


@extend_schema_view(list=extend_schema(parameters=[SearchEntry]))
class AuditEvents(Listed):
    queryset = AuditEvent.objects.none()
    serializer_class = AuditAnswer

    def rows(self, actor: Any) -> QuerySet[AuditEvent]:
        require_administrator(actor)
        return events_found(actor, AuditSearch(**entered(SearchEntry, self.request, query=True)))


class WordsEntry(serializers.Serializer):
    text = serializers.CharField(max_length=TEXT_MAX, allow_blank=True, default="")


class FoundAnswer(serializers.Serializer):
    """`address`: of the page about it."""

    kind = serializers.CharField()
    title = serializers.CharField()
    detail = serializers.CharField(allow_blank=True)
    address = serializers.CharField()


class Search(viewsets.ViewSet):
    """Everything that the caller may see, by words; at most five of a kind. Without words: the pages there are."""

    @extend_schema(parameters=[WordsEntry], responses=FoundAnswer(many=True))
    def list(self, request: Request) -> Response:
        sections = everything_found(request.user, entered(WordsEntry, request, query=True)["text"], timezone.now())
        return Response([{"kind": section.kind, **asdict(found)} for section in sections for found in section.found])


class NeedAnswer(serializers.Serializer):
    """`severity`: "broken", "wrong" or "waiting". `more`: what else is wrong with it. `address`: the page to go to."""

    severity = serializers.SerializerMethodField()
    sentence = serializers.CharField()
    more = serializers.ListField(child=serializers.CharField())
    address = serializers.CharField()

    def get_severity(self, need: Attention) -> str:
        return need.severity.name.lower()


class OverviewAnswer(serializers.Serializer):
    """`bytes_*`: weights of merged groups on all boxes that run them (`boxes_saving`), apart and merged.

    `frames_in_time`: share of the frames in the last whole minute, null where none was measured. `needs`: what needs
    somebody, the most urgent first, at most 25; `has_more_needs` where there is more.
    """

    boxes = serializers.IntegerField(source="figures.boxes")
    boxes_well = serializers.IntegerField(source="figures.boxes_well")
    queries = serializers.IntegerField(source="figures.queries")
    queries_at_target = serializers.IntegerField(source="figures.queries_at_target")
    bytes_before = serializers.IntegerField(source="figures.bytes_before")
    bytes_after = serializers.IntegerField(source="figures.bytes_after")
    boxes_saving = serializers.IntegerField(source="figures.boxes_saving")
    frames_in_time = serializers.FloatField(source="figures.frames.in_time", default=None, allow_null=True)
    needs = NeedAnswer(many=True)
    has_more_needs = serializers.BooleanField()


class Overviews(viewsets.ViewSet):
    @extend_schema(responses=forced_singular_serializer(OverviewAnswer), operation_id="overview")
    def list(self, request: Request) -> Response:
        """The fleet in figures, and what of it needs somebody."""
        return Response(OverviewAnswer(overview_of(request.user, timezone.now())).data)


class SettingAnswer(serializers.Serializer):
    """`variable`: which one of the environment decides, "" where the value is the same everywhere."""

    group = serializers.CharField()
    name = serializers.CharField()
    value = serializers.CharField()
    variable = serializers.CharField()
    note = serializers.CharField()


class Settings(viewsets.ViewSet):
    """How the installation is set up, for who manages it; never a secret. Those of sites are with the sites."""

    @extend_schema(responses=SettingAnswer(many=True))
    def list(self, request: Request) -> Response:
        require_superuser(request.user)
        found = [{"group": group.title, **asdict(one)} for group in installation() for one in group.settings]
        return Response(SettingAnswer(found, many=True).data)


class ForetoldAnswer(serializers.Serializer):
    """By simulation from what the box has measured. `problem` says why nothing can be said; then the shares are null.

    `in_time`: share of all frames, and by query id; `computing` and `swapping`: shares of the time.
    """

    weight_bytes = serializers.IntegerField(source="proposal.weight_bytes")
    problem = serializers.CharField()
    in_time = serializers.FloatField(source="assessment.in_time", default=None, allow_null=True)
    in_time_by_query = serializers.DictField(source="assessment.by_query", default=None, allow_null=True)
    computing = serializers.FloatField(source="assessment.computing", default=None, allow_null=True)
    swapping = serializers.FloatField(source="assessment.swapping", default=None, allow_null=True)
    is_met = serializers.BooleanField(source="assessment.is_met", default=None, allow_null=True)


class LoadAnswer(serializers.Serializer):
    """`help`: the verdict and what would help, in sentences; empty where all is met or nothing is known."""

    foretold = ForetoldAnswer()
    help = serializers.ListField(child=serializers.CharField())


class ChangeAnswer(serializers.Serializer):
    """The box as it is, and with the change. `help`: what would help after it."""

    before = ForetoldAnswer()
    after = ForetoldAnswer()
    help = serializers.ListField(child=serializers.CharField())


class TermsEntry(serializers.Serializer):
    rate_fps = serializers.FloatField(default=5.0)
    deadline_ms = serializers.IntegerField(default=500, min_value=1, max_value=2**31 - 1)
    priority = serializers.FloatField(default=1.0)


class AddedEntry(TermsEntry):
    camera = Reference(camera_get)
    model = Reference(model_get)


class Forecasts(viewsets.GenericViewSet):
    """What a box would do with its frames; nothing is changed."""

    @extend_schema(responses=LoadAnswer)
    @action(detail=False, url_path="boxes/<uuid:box_id>", pagination_class=None)
    def boxes(self, request: Request, box_id: UUID) -> Response:
        """With the queries that it has: whether it keeps up."""
        return Response(LoadAnswer(load_of(request.user, box_get(request.user, box_id))).data)

    @extend_schema(responses=ChangeAnswer)
    @action(detail=False, url_path="merged-groups/<uuid:group_id>", pagination_class=None)
    def merged_groups(self, request: Request, group_id: UUID) -> Response:
        """Without the merged group, and with it approved."""
        found = approval_of(request.user, merged_group_get(request.user, group_id))
        return _change(found.without_group, found.with_group)

    @extend_schema(operation_id="forecasts_query_added", parameters=[AddedEntry], responses=ChangeAnswer)
    @action(detail=False, url_path="queries", pagination_class=None)
    def queries(self, request: Request) -> Response:
        """With a query added."""
        asked = entered(AddedEntry, request, query=True)
        camera, model = asked.pop("camera"), asked.pop("model")
        return _cost(cost_of_adding(request.user, camera, model, Terms(name="", **asked)))

    @extend_schema(operation_id="forecasts_query_changed", parameters=[TermsEntry], responses=ChangeAnswer)
    @action(detail=False, url_path="queries/<uuid:query_id>", pagination_class=None)
    def query(self, request: Request, query_id: UUID) -> Response:
        """With these terms for a query that it has."""
        found = query_get(request.user, query_id)
        return _cost(cost_of_changing(request.user, found, Terms(name="", **entered(TermsEntry, request, query=True))))


def _cost(cost: Cost) -> Response:
    return _change(cost.before, cost.after, cost.help)


def _change(before: Foretold, after: Foretold, help: tuple[str, ...] = ()) -> Response:
    return Response(ChangeAnswer({"before": before, "after": after, "help": help}).data)


routes = [
    ("overview", Overviews),
    ("audit-events", AuditEvents),
    ("search", Search),
    ("forecasts", Forecasts),
    ("settings", Settings),
]
