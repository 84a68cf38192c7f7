"""How the lists of boxes and queries may be sorted: by what was measured over the last ten minutes."""

import math
from datetime import datetime, timedelta

from django.db.models import Avg, Case, F, FloatField, Max, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.functions import Cast, NullIf
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from webapp.common.lists import Kind, Order
from webapp.common.templatetags.display import number, percent
from webapp.telemetry.models import BoxRollup, QueryRollup, Resolution

SPAN = timedelta(minutes=10)
BOX_KINDS = (
    Kind("connected", gettext_lazy("Connected"), Q(is_connected=True)),
    Kind("offline", gettext_lazy("Offline"), Q(is_connected=False, enrolled_at__isnull=False)),
    Kind("pending", gettext_lazy("Not joined yet"), Q(enrolled_at__isnull=True)),
)


def box_orders(now: datetime) -> tuple[Order, ...]:
    minutes = BoxRollup.objects.filter(box=OuterRef("pk"), resolution=Resolution.MINUTE, start__gte=now - SPAN)
    of_box = minutes.order_by().values("box")
    lost = _share(Sum("captured") - Sum("processed"), Sum("captured"))
    used = _share(Max("memory_used_max"), Max("memory_budget"))
    return (
        Order("lost", gettext_lazy("Most frames lost"), _figure(of_box, lost), said=percent),
        Order("memory", gettext_lazy("Fullest memory"), _figure(of_box, used), said=percent),
        Order("seen", gettext_lazy("Longest not heard"), F("last_seen_at"), is_descending=False),
    )


def query_orders(now: datetime) -> tuple[Order, ...]:
    """A query all of whose frames were lost is the slowest: none of them was in time to be counted by its latency."""
    minutes = QueryRollup.objects.filter(query_id=OuterRef("pk"), resolution=Resolution.MINUTE, start__gte=now - SPAN)
    of_query = minutes.order_by().values("query_id").annotate(asked=Sum("captured"), done=Sum("processed"))
    lost = _share(F("asked") - F("done"), F("asked"))
    latency = Case(When(done=0, asked__gt=0, then=Value(math.inf)), default=Max("latency_p95_ms"))
    return (
        Order("lost", gettext_lazy("Most frames lost"), _figure(of_query, lost), said=percent),
        Order("slow", gettext_lazy("Slowest (95th percentile)"), _figure(of_query, latency), said=_latency_words),
        Order(
            "agreement",
            gettext_lazy("Lowest agreement with original"),
            _figure(of_query, Avg("agreement")),
            is_descending=False,
            said=percent,
        ),
    )


def _share(part: object, whole: object) -> object:
    return Cast(part, FloatField()) / NullIf(Cast(whole, FloatField()), Value(0.0))


def _figure(rows: QuerySet, figure: object) -> Subquery:
    return Subquery(rows.annotate(found=figure).values("found"), output_field=FloatField())


def _latency_words(milliseconds: float | None) -> str:
    if milliseconds == math.inf:
        return _("none in time")
    return "–" if milliseconds is None else _("%(latency)s ms") % {"latency": number(milliseconds, 0)}
