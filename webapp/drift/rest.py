"""REST API: the live accuracy of merged queries, drifts, and what a site does about them."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from webapp.common.rest import Resource, entered
from webapp.drift.models import Drift, DriftSettings
from webapp.drift.models import Response as DriftResponse
from webapp.drift.policies import LIMITS, sentence_of
from webapp.drift.selectors import drift_list, drift_settings, live_accuracies
from webapp.drift.services import drift_settings_update
from webapp.fleets.models import Role
from webapp.fleets.policies import require_role
from webapp.fleets.selectors import site_get
from webapp.workloads.selectors import query_get


class LiveAccuracyAnswer(serializers.Serializer):
    """Fractions over the frames that the box sampled in the window; null where none was. The bounds hold with 99 %.

    `bar`: what the upper bound must not stay below; null where it is not known yet.
    """

    query = serializers.UUIDField(source="running.query.id")
    merged_group = serializers.UUIDField(source="running.member.group_id")
    window_s = serializers.IntegerField()
    frames = serializers.IntegerField(source="window.frames", default=0)
    value = serializers.FloatField(source="window.value", default=None, allow_null=True)
    lower = serializers.FloatField(source="window.lower", default=None, allow_null=True)
    upper = serializers.FloatField(source="window.upper", default=None, allow_null=True)
    bar = serializers.FloatField(allow_null=True)
    is_drifting = serializers.BooleanField()


class DriftAnswer(serializers.ModelSerializer):
    sentence = serializers.SerializerMethodField()

    class Meta:
        model = Drift
        fields = (
            "id",
            "site",
            "group",
            "box",
            "query",
            "state",
            "value",
            "lower",
            "upper",
            "bar",
            "frames",
            "window_s",
        )
        fields += ("run", "problem", "found_at", "reverted_at", "ended_at", "sentence")

    def get_sentence(self, drift: Drift) -> str:
        return sentence_of(drift)


class SettingsAnswer(serializers.ModelSerializer):
    class Meta:
        model = DriftSettings
        fields = ("response", *LIMITS)


class SettingsEntry(serializers.Serializer):
    response = serializers.ChoiceField(DriftResponse.choices)
    window_s = serializers.IntegerField(min_value=LIMITS["window_s"][0], max_value=LIMITS["window_s"][1])
    frames_min = serializers.IntegerField(min_value=LIMITS["frames_min"][0], max_value=LIMITS["frames_min"][1])
    merge_frames = serializers.IntegerField(min_value=LIMITS["merge_frames"][0], max_value=LIMITS["merge_frames"][1])
    merge_span_s = serializers.IntegerField(min_value=LIMITS["merge_span_s"][0], max_value=LIMITS["merge_span_s"][1])


class Drifts(Resource):
    queryset = Drift.objects.none()
    serializer_class = DriftAnswer
    id_filters = {"site": "site_id", "box": "box_id", "query": "query_id", "merged_group": "group_id"}

    def rows(self, actor: Any) -> QuerySet[Drift]:
        return drift_list(actor)


class LiveAccuracies(viewsets.GenericViewSet):
    @extend_schema(responses=LiveAccuracyAnswer(many=True))
    @action(detail=False, url_path="queries/<uuid:query_id>", pagination_class=None)
    def queries(self, request: Request, query_id: UUID) -> Response:
        """Of the query, while it runs merged; else nothing."""
        found = live_accuracies(timezone.now(), [query_get(request.user, query_id).id])
        return Response(LiveAccuracyAnswer(found, many=True).data)

    @extend_schema(responses=SettingsAnswer)
    @action(detail=False, url_path="settings/<uuid:site_id>", pagination_class=None)
    def site_settings(self, request: Request, site_id: UUID) -> Response:
        """What the site does about drift."""
        return Response(SettingsAnswer(drift_settings(_site(request, site_id))).data)

    @extend_schema(request=SettingsEntry, responses=SettingsAnswer)
    @site_settings.mapping.put
    def site_settings_update(self, request: Request, site_id: UUID) -> Response:
        wanted = entered(SettingsEntry, request)
        made = drift_settings_update(
            actor=request.user, site=site_get(request.user, site_id), now=timezone.now(), **wanted
        )
        return Response(SettingsAnswer(made).data)


def _site(request: Request, site_id: UUID) -> Any:
    site = site_get(request.user, site_id)
    require_role(request.user, site, Role.ADMINISTRATOR)
    return site


routes = [("drifts", Drifts), ("live-accuracy", LiveAccuracies)]
