"""What pages of a camera and of a query show of its results: a chart of counts per query, and a page of events."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet

from webapp.results.charts import BucketCount, CountSeries, count_series
from webapp.results.models import Event
from webapp.results.ranges import SPANS, Shown, shown_of
from webapp.results.selectors import Scope, bucket_counts, event_labels, event_list
from webapp.workloads.models import Query

EVENTS_PER_PAGE = 24


@dataclass(frozen=True)
class CountPanel:
    query: Query
    shown: Shown
    series: CountSeries

    @property
    def key(self) -> str:
        return str(self.query.id)

    @property
    def is_classification(self) -> bool:
        return self.query.model.task == "classification"


@dataclass(frozen=True)
class EventPanel:
    """`label` and `query_id` are what events are narrowed down to, "" where they are not; `labels`: what there is."""

    page: Page[Event]
    labels: Sequence[str]
    label: str
    query_id: str
    shown: Shown

    @property
    def filters(self) -> str:
        """As a query string with & before it, "" where nothing is narrowed down."""
        chosen = {"label": self.label, "query": self.query_id}
        written = urlencode({name: value for name, value in chosen.items() if value})
        return f"&{written}" if written else ""

    @property
    def address(self) -> str:
        """The query string that shows the same events again."""
        page = f"&page={self.page.number}" if self.page.number > 1 else ""
        return f"{self.shown.address}{self.filters}{page}"


def result_panels(
    actor: Any, scope: Scope, queries: Sequence[Query], parameters: Mapping[str, str], now: datetime
) -> dict[str, Any]:
    """Context of the templates in results/. `queries` are those of the scope. Raises InvalidInput."""
    shown = shown_of(parameters, now)
    counted: dict[UUID, list[BucketCount]] = defaultdict(list)
    for row in bucket_counts(actor, scope, shown.since, shown.until, shown.span.bucket):
        counted[row.query_id].append(row)
    return {
        "spans": SPANS,
        "shown": shown,
        "counts": [count_panel(query, shown, counted[query.id]) for query in queries],
        "events": event_panel(actor, scope, shown, parameters),
    }


def count_panel(query: Query, shown: Shown, rows: Sequence[BucketCount]) -> CountPanel:
    return CountPanel(query, shown, count_series(rows, shown, query.objects_wanted))


def event_panel(actor: Any, scope: Scope, shown: Shown, parameters: Mapping[str, str]) -> EventPanel:
    events = narrowed_events(actor, scope, shown.since, shown.until, parameters)
    page = Paginator(events, EVENTS_PER_PAGE).get_page(parameters.get("page"))
    labels = event_labels(actor, scope, shown.since, shown.until)
    return EventPanel(page, labels, parameters.get("label", ""), _id_or_nothing(parameters.get("query", "")), shown)


def narrowed_events(
    actor: Any, scope: Scope, since: datetime, until: datetime, parameters: Mapping[str, str]
) -> QuerySet[Event]:
    """event_list, narrowed down by "label" and "query" as an address has them."""
    events = event_list(actor, scope, since, until, parameters.get("label", ""))
    query_id = _id_or_nothing(parameters.get("query", ""))
    return events.filter(query_id=query_id) if query_id else events


def _id_or_nothing(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        return ""
