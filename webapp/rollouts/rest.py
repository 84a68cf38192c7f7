"""REST API: bundles, how a box is doing against what it should run, and rollouts in waves."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from webapp.common.rest import NOTHING, Reference, Resource, entered
from webapp.fleets.selectors import box_get
from webapp.merges.selectors import merged_group_get
from webapp.rollouts import services
from webapp.rollouts.candidates import candidates
from webapp.rollouts.models import Bundle, Rollout, RolloutBox, RolloutBoxState, RolloutState
from webapp.rollouts.selectors import box_status, bundle_list, rollouts_whole
from webapp.rollouts.terms import DEFAULT_TERMS, Terms
from webapp.rollouts.windows import EVERY_DAY, Window


class BundleAnswer(serializers.ModelSerializer):
    """`bytes_sent`: what the box had to fetch of `size_bytes`, null until it ran the bundle."""

    class Meta:
        model = Bundle
        fields = ("id", "box", "version", "manifest_digest", "reason", "size_bytes", "is_merged", "bytes_sent")
        fields += ("created_at", "cancelled_at")


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

    @extend_schema(request=None, responses=BundleAnswer)
    @action(detail=False, methods=["post"], url_path="retry/<uuid:box_id>")
    def retry(self, request: Request, box_id: UUID) -> Response:
        """Has the box try its newest bundle again, although it has given it up."""
        box = box_get(request.user, box_id)
        return Response(BundleAnswer(services.bundle_retry(actor=request.user, box=box, now=timezone.now())).data)

    @extend_schema(request=None, responses=BundleAnswer)
    @action(detail=False, methods=["post"], url_path="cancel/<uuid:box_id>")
    def cancel(self, request: Request, box_id: UUID) -> Response:
        """Takes back the newest bundle, which the box does not run yet: it keeps what it runs."""
        box = box_get(request.user, box_id)
        return Response(BundleAnswer(services.bundle_cancel(actor=request.user, box=box, now=timezone.now())).data)


class WindowEntry(serializers.Serializer):
    """From `start` to `end` (on the next day where it is not later) in `zone`, beginning on `days`, 0 is Monday."""

    start = serializers.TimeField()
    end = serializers.TimeField()
    zone = serializers.CharField(max_length=64)
    days = serializers.ListField(
        child=serializers.IntegerField(min_value=0, max_value=6), min_length=1, max_length=7, default=sorted(EVERY_DAY)
    )


class RolloutBoxAnswer(serializers.ModelSerializer):
    """`wave` counts from 0. `sentence` says why the box failed."""

    state = serializers.ChoiceField(RolloutBoxState.choices, read_only=True)

    class Meta:
        model = RolloutBox
        fields = ("box", "wave", "state", "sentence", "is_accepted", "bundle", "started_at", "ended_at")


class RolloutAnswer(serializers.ModelSerializer):
    """`pause_reason`: one sentence, while it is paused. `window` null: boxes start at any time."""

    state = serializers.ChoiceField(RolloutState.choices, read_only=True)
    percentages = serializers.ListField(child=serializers.IntegerField(), read_only=True)
    window = WindowEntry(source="terms.window", allow_null=True, read_only=True)
    boxes = RolloutBoxAnswer(many=True, read_only=True)

    class Meta:
        model = Rollout
        fields = ("id", "group", "state", "pause_reason", "percentages", "success_percent", "error_percent", "window")
        fields += ("boxes", "requested_by", "created_at", "ended_at")


class RolloutEntry(serializers.Serializer):
    """`canary`: one of the boxes, which gets it alone first. `percentages`: of the others, after each further wave."""

    group = Reference(merged_group_get)
    boxes = serializers.ListField(child=Reference(box_get), min_length=1, max_length=10_000)
    canary = Reference(box_get, required=False, allow_null=True, default=None)
    percentages = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=100), default=list(DEFAULT_TERMS.percentages)
    )
    success_percent = serializers.IntegerField(default=DEFAULT_TERMS.success_percent, min_value=1, max_value=100)
    error_percent = serializers.IntegerField(default=DEFAULT_TERMS.error_percent, min_value=0, max_value=99)
    window = WindowEntry(required=False, allow_null=True, default=None)


class CandidateAnswer(serializers.Serializer):
    """`problem`: why the merged group cannot be rolled out to the box now, "" if it can."""

    box = serializers.UUIDField(source="box.id")
    name = serializers.CharField(source="box.name")
    problem = serializers.CharField()


class Rollouts(Resource):
    queryset = Rollout.objects.none()
    serializer_class = RolloutAnswer
    id_filters = {"site": "group__run__box__site_id", "group": "group_id"}

    def rows(self, actor: Any) -> QuerySet[Rollout]:
        return rollouts_whole(actor)

    @extend_schema(request=RolloutEntry, responses={201: RolloutAnswer})
    def create(self, request: Request) -> Response:
        """Brings an approved merged group to further boxes with the same workload, wave by wave."""
        wanted = entered(RolloutEntry, request)
        window = wanted.pop("window")
        terms = Terms(
            tuple(wanted.pop("percentages")),
            wanted.pop("success_percent"),
            wanted.pop("error_percent"),
            None
            if window is None
            else Window(window["start"], window["end"], window["zone"], frozenset(window["days"])),
        )
        made = services.rollout_start(actor=request.user, terms=terms, now=timezone.now(), **wanted)
        return Response(RolloutAnswer(made).data, status=201)

    @extend_schema(responses=CandidateAnswer(many=True))
    @action(detail=False, url_path="candidates/<uuid:group_id>", pagination_class=None)
    def candidates(self, request: Request, group_id: UUID) -> Response:
        """Boxes that run models of the merged group, and whether it can be rolled out to them."""
        found = candidates(merged_group_get(request.user, group_id))
        return Response(CandidateAnswer(found, many=True).data)

    @NOTHING
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: UUID) -> Response:
        """No further box is started; those under way go on."""
        services.rollout_pause(actor=request.user, rollout=self.get_object(), now=timezone.now())
        return Response(status=204)

    @NOTHING
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: UUID) -> Response:
        """Goes on without the boxes that have failed so far."""
        services.rollout_resume(actor=request.user, rollout=self.get_object(), now=timezone.now())
        return Response(status=204)

    @NOTHING
    @action(detail=True, methods=["post"])
    def abort(self, request: Request, pk: UUID) -> Response:
        """Ends it: boxes that run the merged group well keep it, all others stay with what they had."""
        services.rollout_abort(actor=request.user, rollout=self.get_object(), now=timezone.now())
        return Response(status=204)

    @NOTHING
    @action(detail=True, methods=["post"], url_path="roll-back")
    def roll_back(self, request: Request, pk: UUID) -> Response:
        """Every box of it goes back to what it ran before, also after it has ended."""
        services.rollout_roll_back(actor=request.user, rollout=self.get_object(), now=timezone.now())
        return Response(status=204)


routes = [("bundles", Bundles), ("rollouts", Rollouts)]
