"""REST API: the audit log, and the search over everything."""

from dataclasses import asdict
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from webapp.audit.models import AuditEvent
from webapp.common.lists import TEXT_MAX
from webapp.common.rest import Listed, entered
from webapp.dashboard.audit_log import AuditSearch, events_found
from webapp.dashboard.search import everything_found
from webapp.people.policies import require_administrator


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


routes = [("audit-events", AuditEvents), ("search", Search)]
