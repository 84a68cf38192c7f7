"""REST API: alerts, silences, and who is told."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from webapp.alerts import services
from webapp.alerts.models import Alert, AlertKind, Channel, Receiver, Silence
from webapp.alerts.policies import ADDRESS_MAX, SILENCE_MAX
from webapp.alerts.selectors import AlertSearch, Shown, alert_list, alerts_found, receiver_list, silence_list
from webapp.common.rest import NOTHING, Listed, Reference, Resource, entered
from webapp.fleets.selectors import site_get

MINUTES_MAX = int(SILENCE_MAX.total_seconds() // 60)


class AlertAnswer(serializers.ModelSerializer):
    """`site` null: it concerns the whole installation. `noticed_at`: since when the condition holds."""

    is_silenced = serializers.BooleanField(read_only=True)

    class Meta:
        model = Alert
        fields = ("id", "site", "kind", "subject_type", "subject_id", "subject_name", "sentence", "noticed_at")
        fields += ("opened_at", "closed_at", "acknowledged_at", "acknowledged_by", "is_silenced")


class SearchEntry(serializers.Serializer):
    """What is left out does not matter. `shown` "new": open, and neither acknowledged nor silenced."""

    shown = serializers.ChoiceField([(shown.value, shown.value) for shown in Shown], default=Shown.OPEN.value)
    text = serializers.CharField(max_length=100, required=False, allow_blank=True)
    kind = serializers.ChoiceField(AlertKind.choices, required=False)
    site = serializers.UUIDField(required=False)


class SilenceEntry(serializers.Serializer):
    minutes = serializers.IntegerField(min_value=1, max_value=MINUTES_MAX)
    reason = serializers.CharField(max_length=300, default="", allow_blank=True)


class SilenceAnswer(serializers.ModelSerializer):
    """`kind` "" and `subject_id` null: of all alerts of the site."""

    class Meta:
        model = Silence
        fields = ("id", "site", "kind", "subject_id", "subject_name", "reason", "until", "created_by", "created_at")


@extend_schema_view(list=extend_schema(parameters=[SearchEntry]))
class Alerts(Resource):
    queryset = Alert.objects.none()
    serializer_class = AlertAnswer

    def rows(self, actor: Any) -> QuerySet[Alert]:
        now = timezone.now()
        if self.action != "list":
            return alert_list(actor, now)
        wanted = entered(SearchEntry, self.request, query=True)
        return alerts_found(actor, AlertSearch(**wanted | {"shown": Shown(wanted["shown"])}), now)

    @NOTHING
    @action(detail=True, methods=["post"])
    def acknowledge(self, request: Request, pk: UUID) -> Response:
        services.alert_acknowledge(actor=request.user, alert=self.get_object(), now=timezone.now())
        return Response(status=204)

    @NOTHING
    @action(detail=True, methods=["post"])
    def unacknowledge(self, request: Request, pk: UUID) -> Response:
        """It counts as new again."""
        services.alert_unacknowledge(actor=request.user, alert=self.get_object(), now=timezone.now())
        return Response(status=204)

    @extend_schema(request=SilenceEntry, responses={201: SilenceAnswer})
    @action(detail=True, methods=["post"])
    def silence(self, request: Request, pk: UUID) -> Response:
        """Nobody is told of alerts of this kind about this subject for that long."""
        wanted = entered(SilenceEntry, request)
        duration = timedelta(minutes=wanted.pop("minutes"))
        made = services.alert_silence(
            actor=request.user, alert=self.get_object(), duration=duration, now=timezone.now(), **wanted
        )
        return Response(SilenceAnswer(made).data, status=201)


class SiteSilenceEntry(SilenceEntry):
    site = Reference(site_get)


class Silences(Resource):
    queryset = Silence.objects.none()
    serializer_class = SilenceAnswer
    id_filters = {"site": "site_id"}

    def rows(self, actor: Any) -> QuerySet[Silence]:
        return silence_list(actor, timezone.now())

    @extend_schema(request=SiteSilenceEntry, responses={201: SilenceAnswer})
    def create(self, request: Request) -> Response:
        """Of all alerts of a site, as for maintenance."""
        wanted = entered(SiteSilenceEntry, request)
        duration = timedelta(minutes=wanted.pop("minutes"))
        made = services.site_silence(actor=request.user, duration=duration, now=timezone.now(), **wanted)
        return Response(SilenceAnswer(made).data, status=201)

    @NOTHING
    def destroy(self, request: Request, pk: UUID) -> Response:
        """Ends the silence."""
        services.silence_end(actor=request.user, silence=self.get_object(), now=timezone.now())
        return Response(status=204)


class ReceiverAnswer(serializers.ModelSerializer):
    """`address`: only the start of a webhook's."""

    address = serializers.CharField(source="address_shown", read_only=True)

    class Meta:
        model = Receiver
        fields = ("id", "site", "channel", "address", "created_at")


class ReceiverMade(ReceiverAnswer):
    """`secret`: what a webhook's messages are signed with (standardwebhooks.com), shown only now; "" for e-mail."""

    class Meta(ReceiverAnswer.Meta):
        fields = (*ReceiverAnswer.Meta.fields, "secret")


class ReceiverEntry(serializers.Serializer):
    site = Reference(site_get)
    channel = serializers.ChoiceField(Channel.choices)
    address = serializers.CharField(max_length=ADDRESS_MAX)


class Receivers(Listed):
    queryset = Receiver.objects.none()
    serializer_class = ReceiverAnswer
    id_filters = {"site": "site_id"}

    def rows(self, actor: Any) -> QuerySet[Receiver]:
        return receiver_list(actor)

    @extend_schema(request=ReceiverEntry, responses={201: ReceiverMade})
    def create(self, request: Request) -> Response:
        made = services.receiver_create(actor=request.user, now=timezone.now(), **entered(ReceiverEntry, request))
        return Response(ReceiverMade(made).data, status=201)

    @NOTHING
    def destroy(self, request: Request, pk: UUID) -> Response:
        services.receiver_delete(actor=request.user, receiver=self.get_object(), now=timezone.now())
        return Response(status=204)

    @NOTHING
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: UUID) -> Response:
        """Sends a message that says it is a test."""
        services.receiver_test(actor=request.user, receiver=self.get_object(), now=timezone.now())
        return Response(status=204)


routes = [("alerts", Alerts), ("silences", Silences), ("alert-receivers", Receivers)]
