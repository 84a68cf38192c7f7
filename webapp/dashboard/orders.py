"""How the lists of boxes and queries may be sorted: by what was measured over the last ten minutes."""

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Avg, Case, F, FloatField, Func, Max, Q, QuerySet, Sum, TextField, Value, When
from django.db.models.expressions import RawSQL
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
    minutes = BoxRollup.objects.filter(resolution=Resolution.MINUTE, start__gte=now - SPAN)
    used = _share(Max("memory_used_max"), Max("memory_budget"))
    return (
        Order("lost", gettext_lazy("Most frames lost"), _figure(minutes, "box", _LOST), said=percent),
        Order("memory", gettext_lazy("Fullest memory"), _figure(minutes, "box", used), said=percent),
        Order("seen", gettext_lazy("Longest not heard"), lambda: F("last_seen_at"), is_descending=False),
    )


def query_orders(now: datetime) -> tuple[Order, ...]:
    """A query all of whose frames were lost is the slowest: none of them was in time to be counted by its latency."""
    minutes = QueryRollup.objects.filter(resolution=Resolution.MINUTE, start__gte=now - SPAN)
    latency = Case(When(done=0, asked__gt=0, then=Value(math.inf)), default=Max("latency_p95_ms"))
    slow, agreement = (_figure(minutes, "query_id", figure) for figure in (latency, Avg("agreement")))
    return (
        Order("lost", gettext_lazy("Most frames lost"), _figure(minutes, "query_id", _LOST), said=percent),
        Order("slow", gettext_lazy("Slowest (95th percentile)"), slow, said=_latency_words),
        Order(
            "agreement",
            gettext_lazy("Lowest agreement with original"),
            agreement,
            is_descending=False,
            said=percent,
        ),
    )


def _share(part: Any, whole: Any) -> Any:
    return Cast(part, FloatField()) / NullIf(Cast(whole, FloatField()), Value(0.0))


_LOST = _share(F("asked") - F("done"), F("asked"))


def _figure(minutes: QuerySet[Any], subject: str, figure: Any) -> Callable[[], Cast]:
    """Of each row of a list, whose ids `subject` of the minutes names.

    Added up once for all that there are, and looked up by id: row by row, ten minutes of 5,000 queries are 50,000 rows
    scattered over the table; of all queries together they lie side by side.
    """

    def expression() -> Cast:
        rows = minutes.order_by().values(subject).annotate(asked=Sum("captured"), done=Sum("processed"))
        sql, parameters = rows.annotate(found=figure).values_list(subject, "found").query.sql_with_params()
        found = RawSQL(
            f"(SELECT jsonb_object_agg(subject, found::text) FROM ({sql}) AS one (subject, found))", parameters
        )
        of_row = Func(found, Cast("pk", TextField()), function="jsonb_extract_path_text", output_field=TextField())
        return Cast(of_row, FloatField())

    return expression


def _latency_words(milliseconds: float | None) -> str:
    if milliseconds == math.inf:
        return _("none in time")
    return "–" if milliseconds is None else _("%(latency)s ms") % {"latency": number(milliseconds, 0)}
