"""REST API: statistics as boxes measured them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from django.utils import timezone
from django.utils.translation import gettext
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from webapp.common.errors import NotFound
from webapp.common.rest import entered
from webapp.fleets.selectors import box_get
from webapp.telemetry.models import BoxRollup, BoxSample, QueryRollup, QuerySample, Resolution
from webapp.telemetry.selectors import (
    Hardware,
    box_rollups,
    box_series,
    bundle_figures,
    latest_hardware,
    query_rollups,
    query_series,
)
from webapp.workloads.selectors import query_get


class BoxSampleAnswer(serializers.ModelSerializer):
    """Bytes; the memory bands add up to the budget."""

    class Meta:
        model = BoxSample
        fields = ("at", "interval_s", "bundle_version", "memory_budget", "memory_private", "memory_shared")
        fields += (
            "memory_activations",
            "memory_overhead",
            "memory_free",
            "memory_rss",
            "cpu_percent",
            "samples_dropped",
        )


class QuerySampleAnswer(serializers.ModelSerializer):
    counts = serializers.DictField(read_only=True)

    class Meta:
        model = QuerySample
        fields = ("at", "bundle_version", "captured", "processed", "dropped", "late", "latency_p50_ms")
        fields += ("latency_p95_ms", "swaps", "swap_ms", "resident", "agreement", "agreement_frames", "counts")


class BoxRollupAnswer(serializers.ModelSerializer):
    """Means over the `seconds` that were observed of a minute or an hour; bytes. Of its queries: frames, how many had
    their agreement sampled (`judged`), and how many of these were at or above their accuracy target (`kept`)."""

    class Meta:
        model = BoxRollup
        fields = ("start", "seconds", "memory_budget", "memory_private", "memory_shared", "memory_activations")
        fields += ("memory_overhead", "memory_free", "memory_used_max", "cpu_percent", "captured", "processed")
        fields += ("judged", "kept")


class QueryRollupAnswer(serializers.ModelSerializer):
    """Sums over a minute or an hour; latencies and agreement as QueryRollup defines them."""

    class Meta:
        model = QueryRollup
        fields = ("start", "captured", "processed", "dropped", "late", "swaps", "swap_ms")
        fields += ("latency_p50_ms", "latency_p95_ms", "agreement")


class BundleFiguresAnswer(serializers.Serializer):
    """What was measured while a bundle version ran: means over `observed_s` seconds; null where nothing was counted."""

    version = serializers.IntegerField()
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    observed_s = serializers.FloatField()
    memory_used = serializers.FloatField()
    memory_private = serializers.FloatField()
    memory_shared = serializers.FloatField()
    swaps_per_minute = serializers.FloatField()
    captured = serializers.IntegerField()
    processed = serializers.IntegerField()
    lost_fraction = serializers.FloatField(allow_null=True)
    processed_fps = serializers.FloatField()
    agreement = serializers.FloatField(allow_null=True)


class HardwareAnswer(serializers.Serializer):
    """What the box last told of its machine, in the words of HostSample in edge_runtime/protocol/messages.py.

    `process_*`: of the box's own process; percent of one core, and bytes.
    """

    at = serializers.DateTimeField()
    process_cpu_percent = serializers.FloatField()
    process_memory = serializers.IntegerField()
    host = serializers.SerializerMethodField()

    def get_host(self, hardware: Hardware) -> dict[str, Any]:
        return dict(msgspec.to_builtins(hardware.host))


class Span(serializers.Serializer):
    minutes = serializers.IntegerField(default=10, min_value=1, max_value=60, help_text="How far back.")


class RollupSpan(serializers.Serializer):
    resolution = serializers.ChoiceField(Resolution.choices, default=Resolution.MINUTE)
    hours = serializers.IntegerField(default=1, min_value=1, max_value=9600, help_text="How far back.")


class Statistics(viewsets.GenericViewSet):
    @extend_schema(parameters=[Span], responses=BoxSampleAnswer(many=True))
    @action(detail=False, url_path="boxes/<uuid:box_id>", pagination_class=None)
    def boxes(self, request: Request, box_id: UUID) -> Response:
        """Memory of the box, oldest first."""
        span = timedelta(**entered(Span, request, query=True))
        samples = box_series(box_get(request.user, box_id), timezone.now() - span)
        return Response(BoxSampleAnswer(samples, many=True).data)

    @extend_schema(parameters=[RollupSpan], responses=BoxRollupAnswer(many=True))
    @action(detail=False, url_path="boxes/<uuid:box_id>/rollups", pagination_class=None)
    def box_rollups(self, request: Request, box_id: UUID) -> Response:
        """Memory of the box per minute or hour, oldest first. Minutes are kept for 14 days, hours for 400."""
        box, asked = box_get(request.user, box_id), entered(RollupSpan, request, query=True)
        rows = box_rollups(box, asked["resolution"], timezone.now() - timedelta(hours=asked["hours"]))
        return Response(BoxRollupAnswer(rows, many=True).data)

    @extend_schema(responses=HardwareAnswer)
    @action(detail=False, url_path="boxes/<uuid:box_id>/hardware", pagination_class=None)
    def hardware(self, request: Request, box_id: UUID) -> Response:
        """Processor, memory, disk, temperature and accelerators of the box, as it last told."""
        found = latest_hardware(box_get(request.user, box_id))
        if found is None:
            raise NotFound(gettext("The box has told nothing of its hardware lately."))
        return Response(HardwareAnswer(found).data)

    @extend_schema(responses=BundleFiguresAnswer(many=True))
    @action(detail=False, url_path="boxes/<uuid:box_id>/bundles", pagination_class=None)
    def bundles(self, request: Request, box_id: UUID) -> Response:
        """What each bundle version did on the box, oldest version first."""
        return Response(BundleFiguresAnswer(bundle_figures(box_get(request.user, box_id)), many=True).data)

    @extend_schema(parameters=[Span], responses=QuerySampleAnswer(many=True))
    @action(detail=False, url_path="queries/<uuid:query_id>", pagination_class=None)
    def queries(self, request: Request, query_id: UUID) -> Response:
        """Frames, latencies and agreement of the query, oldest first."""
        span = timedelta(**entered(Span, request, query=True))
        samples = query_series(query_get(request.user, query_id), timezone.now() - span)
        return Response(QuerySampleAnswer(samples, many=True).data)

    @extend_schema(parameters=[RollupSpan], responses=QueryRollupAnswer(many=True))
    @action(detail=False, url_path="queries/<uuid:query_id>/rollups", pagination_class=None)
    def query_rollups(self, request: Request, query_id: UUID) -> Response:
        """Frames, latencies and agreement of the query per minute or hour, oldest first."""
        query, asked = query_get(request.user, query_id), entered(RollupSpan, request, query=True)
        rows = query_rollups(query, asked["resolution"], timezone.now() - timedelta(hours=asked["hours"]))
        return Response(QueryRollupAnswer(rows, many=True).data)


routes = [("statistics", Statistics)]
