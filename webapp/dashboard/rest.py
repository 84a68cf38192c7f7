"""REST API: the audit log."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers

from webapp.audit.models import AuditEvent
from webapp.common.rest import Listed, entered
from webapp.dashboard.audit_log import AuditSearch, events_found
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


routes = [("audit-events", AuditEvents)]
