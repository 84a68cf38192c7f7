"""REST API: merge runs, merged groups and the decisions about them."""

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

from webapp.common.rest import JPEG, NOTHING, Reference, Resource, entered
from webapp.fleets.selectors import box_get
from webapp.merges import services
from webapp.merges.models import (
    Decision,
    Disagreement,
    Match,
    MergedGroup,
    MergedGroupQuery,
    MergeRun,
    MergeRunEvent,
    Verdict,
)
from webapp.merges.policies import DEFAULT_SETTINGS, TIME_LIMIT_S, RunSettings
from webapp.merges.selectors import (
    disagreement_get,
    disagreement_list,
    earlier_durations,
    merge_requirements,
    merge_run_list,
    merged_group_get,
    merged_group_list,
    picture_of,
    with_members,
    with_search_seconds,
)
from webapp.merges.strategies import DEFAULT, strategy_names
from webapp.workloads.selectors import workload
from webapp.workloads.sharing import workload_sharing


class RunAnswer(serializers.ModelSerializer):
    """`search_seconds`: what counts against `time_limit_s`, null before the search has begun."""

    search_seconds = serializers.FloatField(default=None, allow_null=True, read_only=True)
    has_found_nothing = serializers.BooleanField(read_only=True)

    class Meta:
        model = MergeRun
        fields = ("id", "box", "strategy", "match", "state", "has_found_nothing", "problem")
        fields += ("time_limit_s", "search_seconds", "requested_by")
        fields += ("bytes_before", "bytes_after", "created_at", "started_at", "ended_at")


class RunEntry(serializers.Serializer):
    """`targets`: by query id, accuracy targets that hold in this run instead of the query's own."""

    box = Reference(box_get)
    strategy = serializers.ChoiceField([(name, name) for name in strategy_names()], default=DEFAULT)
    match = serializers.ChoiceField(Match.choices, default=Match.EXACT)
    time_limit_s = serializers.IntegerField(
        default=DEFAULT_SETTINGS.time_limit_s, min_value=TIME_LIMIT_S[0], max_value=TIME_LIMIT_S[1]
    )
    targets = serializers.DictField(child=serializers.FloatField(), default=dict)

    def validate_targets(self, targets: dict[str, float]) -> dict[UUID, float]:
        try:
            return {UUID(query): target for query, target in targets.items()}
        except ValueError as error:
            raise serializers.ValidationError("The targets go by the ids of queries.") from error


class DurationsAnswer(serializers.Serializer):
    """From start to end; null before a run has come to its end here."""

    shortest_s = serializers.FloatField(allow_null=True)
    longest_s = serializers.FloatField(allow_null=True)


class EventAnswer(serializers.ModelSerializer):
    """`payload`: see docs/merging.md."""

    payload = serializers.DictField(read_only=True)

    class Meta:
        model = MergeRunEvent
        fields = ("seq", "at", "payload")


class RequirementAnswer(serializers.Serializer):
    """What a merge of the box would use for the query; `missing` says what it lacks, "" when nothing."""

    query = serializers.UUIDField(source="query.id", default=None, allow_null=True)
    data_set = serializers.UUIDField(source="dataset.id", default=None, allow_null=True)
    missing = serializers.CharField()


class PairAnswer(serializers.Serializer):
    """`fraction`: of the smaller model's layers. Queries of one model hold one copy already."""

    queries = serializers.ListField(child=serializers.UUIDField(), min_length=2, max_length=2)
    shared_bytes = serializers.IntegerField()
    fraction = serializers.FloatField()
    is_same_model = serializers.BooleanField()


class SharingAnswer(serializers.Serializer):
    """`most_saved_bytes`: if every layer that is alike became one; what holds the targets is found by a merge run."""

    size_bytes = serializers.IntegerField()
    most_saved_bytes = serializers.IntegerField()
    pairs = PairAnswer(many=True)


class Runs(Resource):
    queryset = MergeRun.objects.none()
    serializer_class = RunAnswer
    id_filters = {"site": "box__site_id", "box": "box_id"}

    def rows(self, actor: Any) -> QuerySet[MergeRun]:
        return with_search_seconds(merge_run_list(actor))

    @extend_schema(request=RunEntry, responses={201: RunAnswer})
    def create(self, request: Request) -> Response:
        wanted = entered(RunEntry, request)
        box = wanted.pop("box")
        run = services.merge_run_start(actor=request.user, box=box, settings=RunSettings(**wanted), now=timezone.now())
        return Response(RunAnswer(run).data, status=201)

    @NOTHING
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: UUID) -> Response:
        """What was accepted so far is kept."""
        services.merge_run_cancel(actor=request.user, run=self.get_object(), now=timezone.now())
        return Response(status=204)

    @extend_schema(responses=EventAnswer(many=True))
    @action(detail=True)
    def events(self, request: Request, pk: UUID) -> Response:
        """What happened in the run so far, in order."""
        page = self.paginate_queryset(self.get_object().events.all())
        return self.get_paginated_response(EventAnswer(page, many=True).data)

    @extend_schema(responses=DurationsAnswer)
    @action(detail=False, pagination_class=None)
    def durations(self, request: Request) -> Response:
        """How long the newest runs of this installation took: what a new one may take."""
        shortest, longest = earlier_durations() or (None, None)
        found = {"shortest_s": shortest, "longest_s": longest}
        return Response({name: None if took is None else took.total_seconds() for name, took in found.items()})

    @extend_schema(responses=RequirementAnswer(many=True))
    @action(detail=False, url_path="requirements/<uuid:box_id>", pagination_class=None)
    def requirements(self, request: Request, box_id: UUID) -> Response:
        """What data a merge of the box's workload has, and lacks."""
        return Response(RequirementAnswer(merge_requirements(box_get(request.user, box_id)), many=True).data)

    @extend_schema(responses=SharingAnswer)
    @action(detail=False, url_path="sharing/<uuid:box_id>", pagination_class=None)
    def sharing(self, request: Request, box_id: UUID) -> Response:
        """How much every pair of the box's queries could share."""
        found = workload_sharing(workload(box_get(request.user, box_id)))
        return Response(SharingAnswer({**vars(found), "pairs": found.pairs()}).data)


class MemberAnswer(serializers.ModelSerializer):
    """Accuracies are fractions of the original's; the bounds are the ends of a 90 % interval."""

    class Meta:
        model = MergedGroupQuery
        fields = ("query", "model", "name", "accuracy_target", "basis", "original_accuracy", "merged_accuracy")
        fields += ("validation_accuracy", "validation_lower", "validation_upper")
        fields += ("test_accuracy", "test_lower", "test_upper", "is_at_target")
        fields += ("compared_frames", "differing_frames")


class DecisionAnswer(serializers.ModelSerializer):
    class Meta:
        model = Decision
        fields = ("id", "verdict", "reason", "actor", "at")


class GroupAnswer(serializers.ModelSerializer):
    members = MemberAnswer(many=True, read_only=True)
    decisions = DecisionAnswer(many=True, read_only=True)
    box = serializers.UUIDField(source="run.box_id", read_only=True)

    class Meta:
        model = MergedGroup
        fields = ("id", "box", "run", "name", "state", "bytes_before", "bytes_after", "members", "decisions")
        fields += ("created_at",)


class NamedAnswer(serializers.Serializer):
    """A class of the whole frame, or with `box` (xyxy, fractions of the frame) an object. A label has no `score`."""

    label = serializers.CharField()
    score = serializers.FloatField(allow_null=True)
    box = serializers.ListField(child=serializers.FloatField(), allow_null=True)
    is_agreed = serializers.BooleanField()


class DisagreementAnswer(serializers.ModelSerializer):
    """`has_picture`: whether it may be seen now. `taken_at` is known of frames that a box took."""

    query_name = serializers.CharField(source="member.name", read_only=True)
    has_picture = serializers.BooleanField(source="may_be_seen", read_only=True)
    original = NamedAnswer(many=True, read_only=True)
    merged = NamedAnswer(many=True, read_only=True)
    truth = NamedAnswer(many=True, read_only=True, allow_null=True)

    class Meta:
        model = Disagreement
        fields = ("id", "query_name", "camera", "frame", "taken_at", "original", "merged", "truth", "has_picture")


class DecisionEntry(serializers.Serializer):
    verdict = serializers.ChoiceField(Verdict.choices)
    reason = serializers.CharField(max_length=1000, default="", allow_blank=True)


class DecisionsEntry(DecisionEntry):
    """One verdict and one reason for several merged groups."""

    groups = serializers.ListField(child=Reference(merged_group_get), min_length=1, max_length=100)


class DecidedAnswer(serializers.Serializer):
    """What became of one group: `decision`, or the `code` and `problem` that say why there is none."""

    group = serializers.UUIDField(source="group.id")
    decision = DecisionAnswer(allow_null=True)
    code = serializers.CharField(source="error.code", default="")
    problem = serializers.SerializerMethodField()

    def get_problem(self, decided: services.Decided) -> str:
        return "" if decided.error is None else str(decided.error)


class Groups(Resource):
    queryset = MergedGroup.objects.none()
    serializer_class = GroupAnswer
    id_filters = {"site": "run__box__site_id", "box": "run__box_id", "run": "run_id"}

    def rows(self, actor: Any) -> QuerySet[MergedGroup]:
        return with_members(merged_group_list(actor))

    @extend_schema(request=DecisionEntry, responses={201: DecisionAnswer})
    @action(detail=True, methods=["post"])
    def decisions(self, request: Request, pk: UUID) -> Response:
        """Approve, reject or revert. A decision is never changed; a later one follows it."""
        wanted = entered(DecisionEntry, request)
        decision = services.merged_group_decide(
            actor=request.user, group=self.get_object(), now=timezone.now(), **wanted
        )
        return Response(DecisionAnswer(decision).data, status=201)

    @extend_schema(responses=DisagreementAnswer(many=True))
    @action(detail=True, pagination_class=None)
    def disagreements(self, request: Request, pk: UUID) -> Response:
        """Frames to which a merged model answers otherwise than its original: some of each query's."""
        found = disagreement_list(self.get_object()).select_related("member")
        return Response(DisagreementAnswer(found, many=True).data)

    @extend_schema(responses=JPEG)
    @action(detail=True, url_path="disagreements/<uuid:disagreement_id>/picture")
    def disagreement_picture(self, request: Request, pk: UUID, disagreement_id: UUID) -> HttpResponse:
        """The frame, as the camera's privacy lets it be seen."""
        found = disagreement_get(request.user, pk, disagreement_id)
        return HttpResponse(picture_of(found), content_type="image/jpeg")

    @extend_schema(
        operation_id="merged_groups_decide_several", request=DecisionsEntry, responses=DecidedAnswer(many=True)
    )
    @action(detail=False, methods=["post"], url_path="decisions", pagination_class=None)
    def decide_several(self, request: Request) -> Response:
        """Approve, reject or revert several. Each is decided for itself: one that is refused stops no other."""
        wanted = entered(DecisionsEntry, request)
        groups = {group.id: group for group in wanted.pop("groups")}.values()
        decided = services.merged_groups_decide(actor=request.user, groups=groups, now=timezone.now(), **wanted)
        return Response(DecidedAnswer(decided, many=True).data)


routes = [("merge-runs", Runs), ("merged-groups", Groups)]
