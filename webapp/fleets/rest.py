"""REST API: boxes and how they join, cameras. What boxes themselves call is in api.py."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from edge_runtime.protocol.target import Privacy
from webapp.common.rest import JPEG, NOTHING, Reference, Resource, entered
from webapp.fleets import services
from webapp.fleets.advice import camera_warnings
from webapp.fleets.models import Box, Camera
from webapp.fleets.policies import SAMPLING_S
from webapp.fleets.selectors import box_get, box_list, camera_list, camera_picture, site_get

PRIVACY = [(level.value, level.value) for level in Privacy]


class BoxAnswer(serializers.ModelSerializer):
    hardware = serializers.DictField(read_only=True)

    class Meta:
        model = Box
        fields = ("id", "site", "name", "enrolled_at", "is_connected", "last_seen_at", "hardware", "created_at")


class BoxEntry(serializers.Serializer):
    site = Reference(site_get)
    name = serializers.CharField(max_length=100)


class JoinCodeAnswer(serializers.Serializer):
    """The code is shown only here. It works once, for an hour."""

    box = serializers.UUIDField()
    join_code = serializers.CharField()


class Boxes(Resource):
    queryset = Box.objects.none()
    serializer_class = BoxAnswer
    id_filters = {"site": "site_id"}

    def rows(self, actor: Any) -> QuerySet[Box]:
        return box_list(actor)

    @extend_schema(request=BoxEntry, responses={201: JoinCodeAnswer})
    def create(self, request: Request) -> Response:
        box, code = services.box_create(actor=request.user, now=timezone.now(), **entered(BoxEntry, request))
        return Response({"box": str(box.id), "join_code": code}, status=201)

    @extend_schema(request=None, responses=JoinCodeAnswer)
    @action(detail=True, methods=["post"], url_path="join-code")
    def join_code(self, request: Request, pk: UUID) -> Response:
        box = self.get_object()
        code = services.join_code_create(actor=request.user, box=box, now=timezone.now())
        return Response({"box": str(box.id), "join_code": code})

    @NOTHING
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: UUID) -> Response:
        """Ends the box's access at once."""
        services.box_revoke(actor=request.user, box=self.get_object(), now=timezone.now())
        return Response(status=204)

    @NOTHING
    @action(detail=True, methods=["post"], url_path="renew-credential")
    def renew_credential(self, request: Request, pk: UUID) -> Response:
        """Has the box fetch a new credential; the old one ends when the new one is first used."""
        services.credential_rotation_request(actor=request.user, box=self.get_object(), now=timezone.now())
        return Response(status=204)


class CameraAnswer(serializers.ModelSerializer):
    """`source` is shown without its password; `probe_problem` says why the box gets no picture, "" if it does.

    `sample_every_s`: how far apart, on average, the frames are on which merged models are compared with their
    originals; 0: never, so that a drift of theirs is not found.
    """

    source = serializers.CharField(source="source_shown", read_only=True)
    warnings = serializers.SerializerMethodField()

    def get_warnings(self, camera: Camera) -> list[str]:
        """What may get in the way, as pages say it."""
        return list(camera_warnings(camera))

    class Meta:
        model = Camera
        fields = ("id", "box", "name", "source", "source_kind", "privacy", "sample_every_s")
        fields += ("width", "height", "rate_fps", "codec", "probed_at", "probe_problem", "warnings")
        fields += ("picture_at", "created_at")


class CameraEntry(serializers.Serializer):
    box = Reference(box_get)
    name = serializers.CharField(max_length=100)
    source = serializers.CharField(max_length=500)
    privacy = serializers.ChoiceField(PRIVACY, default=Privacy.FULL.value)


class CameraChange(serializers.Serializer):
    """What is left out stays."""

    name = serializers.CharField(max_length=100, required=False)
    source = serializers.CharField(max_length=500, required=False)
    privacy = serializers.ChoiceField(PRIVACY, required=False)
    sample_every_s = serializers.IntegerField(required=False, min_value=0, max_value=SAMPLING_S[1])


class Cameras(Resource):
    queryset = Camera.objects.none()
    serializer_class = CameraAnswer
    id_filters = {"site": "box__site_id", "box": "box_id"}

    def rows(self, actor: Any) -> QuerySet[Camera]:
        return camera_list(actor)

    @extend_schema(request=CameraEntry, responses={201: CameraAnswer})
    def create(self, request: Request) -> Response:
        camera = services.camera_create(actor=request.user, now=timezone.now(), **entered(CameraEntry, request))
        return Response(CameraAnswer(camera).data, status=201)

    @extend_schema(request=CameraChange, responses=CameraAnswer)
    def partial_update(self, request: Request, pk: UUID) -> Response:
        wanted = entered(CameraChange, request)
        camera = services.camera_update(actor=request.user, camera=self.get_object(), now=timezone.now(), **wanted)
        return Response(CameraAnswer(camera).data)

    @NOTHING
    def destroy(self, request: Request, pk: UUID) -> Response:
        services.camera_delete(actor=request.user, camera=self.get_object(), now=timezone.now())
        return Response(status=204)

    @NOTHING
    @action(detail=True, methods=["post"])
    def probe(self, request: Request, pk: UUID) -> Response:
        """Asks the box for a new picture."""
        services.camera_probe_request(actor=request.user, camera=self.get_object(), now=timezone.now())
        return Response(status=204)

    @extend_schema(responses=JPEG)
    @action(detail=True)
    def picture(self, request: Request, pk: UUID) -> HttpResponse:
        """The newest picture there is."""
        return HttpResponse(camera_picture(self.get_object()), content_type="image/jpeg")


routes = [("boxes", Boxes), ("cameras", Cameras)]
