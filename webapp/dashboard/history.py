"""How far back the charts of a box and of a query look, as the address says it: live samples, or minutes and hours."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext, gettext_lazy

from webapp.common.errors import InvalidInput
from webapp.dashboard.charts import MEMORY_FIELDS, QUERY_FIELDS, Points, Row, memory_points, query_points
from webapp.fleets.models import Box
from webapp.telemetry.models import Resolution
from webapp.telemetry.selectors import (
    box_rollups,
    box_series,
    queries_rollups,
    query_rollups,
    query_series,
    residencies,
)
from webapp.workloads.models import Query


@dataclass(frozen=True)
class ChartSpan:
    """`name` stands in addresses, `words` on pages. `resolution` None: samples, and live; `per` is what a point is."""

    name: str
    words: str
    length: timedelta
    resolution: Resolution | None
    per: str

    @property
    def is_live(self) -> bool:
        return self.resolution is None


CHART_SPANS = (
    ChartSpan("10min", "10 min", timedelta(minutes=10), None, gettext_lazy("sample")),
    ChartSpan("1h", "1 h", timedelta(hours=1), Resolution.MINUTE, gettext_lazy("minute")),
    ChartSpan("24h", "24 h", timedelta(hours=24), Resolution.MINUTE, gettext_lazy("minute")),
    ChartSpan("30d", "30 d", timedelta(days=30), Resolution.HOUR, gettext_lazy("hour")),
)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
_SPARKED = ("processed", "latency_p50_ms", "latency_p95_ms", "agreement")
RESIDENCY_MAX = timedelta(hours=1)
RESIDENCY_STEPS = 120


def chart_span(parameters: Mapping[str, str]) -> ChartSpan:
    """Of "history"; the live one where it is not given. Raises InvalidInput."""
    name = parameters.get("history") or CHART_SPANS[0].name
    found = next((span for span in CHART_SPANS if span.name == name), None)
    if found is None:
        raise InvalidInput(
            gettext("Charts go back %(choices)s, not %(name)s.")
            % {"choices": ", ".join(span.name for span in CHART_SPANS), "name": repr(name[:40])}
        )
    return found


def memory_history(box: Box, span: ChartSpan, now: datetime) -> Points:
    since = now - span.length
    rows = box_rollups(box, span.resolution, since) if span.resolution else box_series(box, since)
    return memory_points(_figures(rows, span, MEMORY_FIELDS), span.resolution) | _edges(span, now)


def query_history(query: Query, span: ChartSpan, now: datetime) -> Points:
    since = now - span.length
    rows = query_rollups(query, span.resolution, since) if span.resolution else query_series(query, since)
    return query_points(_figures(rows, span, QUERY_FIELDS), span.resolution) | _edges(span, now)


def query_hours(box: Box, now: datetime) -> dict[str, Any]:
    """Frame rate, latencies and agreement of its queries in the last hour, minute by minute, for their small lines.

    Without the minute that is going on. `at` is now; `queries` by id, the oldest minute first.
    """
    since = now - HOUR
    seconds = dict(box_rollups(box, Resolution.MINUTE, since).values_list("start", "seconds"))
    minutes: dict[str, list[dict[str, float | None]]] = {}
    rollups = queries_rollups(box, Resolution.MINUTE, since).values_list("start", "query_id", *_SPARKED)
    for start, query_id, processed, p50, p95, agreement in rollups:
        if seconds.get(start) and start + MINUTE <= now:
            point = {"at": start.timestamp(), "fps": processed / seconds[start]}
            point |= {"p50": p50, "p95": p95, "agreement": agreement}
            minutes.setdefault(str(query_id), []).append(point)
    return {"at": now.timestamp(), "queries": minutes}


def residency_history(queries: Iterable[Query], span: ChartSpan, now: datetime) -> dict[str, Any] | None:
    """Which models were resident, and when execution waited for one; None for spans that samples are not kept for.

    Steps of `step_s` seconds, the last of which ends about `at`; shares 0..1, None where nothing was measured.
    """
    if span.length > RESIDENCY_MAX:
        return None
    step = span.length / RESIDENCY_STEPS
    shown = list(queries)
    rows = {query.id: [[None] * RESIDENCY_STEPS, [None] * RESIDENCY_STEPS] for query in shown}
    for found in residencies(rows, now - span.length, step):
        place = min(int((found.at - (now - span.length)) / step), RESIDENCY_STEPS - 1)
        resident, stalled = rows[found.query_id]
        resident[place], stalled[place] = found.resident, found.stalled
    return {
        "at": now.timestamp(),
        "step_s": step.total_seconds(),
        "queries": [
            {"id": str(query.id), "name": query.name, "resident": rows[query.id][0], "stalled": rows[query.id][1]}
            for query in shown
        ],
    }


def _figures(rows: QuerySet[Any], span: ChartSpan, fields: tuple[str, ...]) -> QuerySet[Any, Row]:
    """Not the rows themselves: to make objects of a day's minutes takes longer than to read them."""
    return rows.values_list("at" if span.is_live else "start", *fields)


def _edges(span: ChartSpan, now: datetime) -> Points:
    """What the time axis spans: all that was asked for, measured or not. Live charts follow the data."""
    return {} if span.is_live else {"edges": [(now - span.length).timestamp(), now.timestamp()]}
