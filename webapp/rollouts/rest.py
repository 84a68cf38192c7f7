"""REST API: bundles, and how a box is doing against what it should run."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from webapp.common.rest import Resource
from webapp.fleets.selectors import box_get
from webapp.rollouts.models import Bundle
from webapp.rollouts.selectors import box_status, bundle_list


class BundleAnswer(serializers.ModelSerializer):
    class Meta:
        model = Bundle
        fields = ("id", "box", "version", "manifest_digest", "reason", "size_bytes", "is_merged", "created_at")


class StatusAnswer(serializers.Serializer):
    """`sentence` says what is wrong, "" if nothing. `since`: when the box was last heard."""

    connection = serializers.CharField()
    state = serializers.CharField()
    sentence = serializers.CharField()
    since = serializers.DateTimeField(allow_null=True)


class Bundles(Resource):
    queryset = Bundle.objects.none()
    serializer_class = BundleAnswer
    id_filters = {"site": "box__site_id", "box": "box_id"}

    def rows(self, actor: Any) -> QuerySet[Bundle]:
        return bundle_list(actor)

    @extend_schema(responses=StatusAnswer)
    @action(detail=False, url_path="status/<uuid:box_id>", pagination_class=None)
    def status(self, request: Request, box_id: UUID) -> Response:
        """Whether the box is heard, and whether it runs its newest bundle."""
        status = box_status(box_get(request.user, box_id), timezone.now())
        return Response(StatusAnswer(status).data)


routes = [("bundles", Bundles)]
