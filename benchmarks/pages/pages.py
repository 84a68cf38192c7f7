"""What a page costs the server. An address whose arguments nobody knows, and one that is no page, is told as such."""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet
from django.test import Client

from demo.gallery.pages import SUBJECTS, Page
from webapp.config.rest_urls import router
from webapp.fleets.models import Box, Camera
from webapp.results.models import MinuteCount
from webapp.telemetry.models import BoxRollup, BoxSample, QueryRollup, QuerySample
from webapp.workloads.models import Query

REST_SCOPES = {"rest-counts": ("camera_id",), "rest-events": ("camera_id",)}


@dataclass(frozen=True)
class PageFigures:
    """Server time of one page in ms, and the most SQL statements and bytes that an answer took.

    `cpu_ms`: median of what the web process itself computed, which other programs do not lengthen; without PostgreSQL.
    """

    page: str
    median_ms: float
    p95_ms: float
    cpu_ms: float
    statements: int
    size_bytes: int


class Measurement:
    """`repeat` requests for each page, each of another box, camera and so on, after one that does not count."""

    def __init__(self, client: Client, repeat: int, shown_ms: float | None = None) -> None:
        self._client, self._repeat, self._shown_ms = client, repeat, shown_ms

    def of(self, page: Page) -> PageFigures | str:
        """A sentence where it is no page that can be opened."""
        if unknown := [name for name in page.arguments if name not in SUBJECTS]:
            return f"needs {', '.join(unknown)}"
        addresses = self._addresses(page)
        with slow_statements(self._shown_ms):
            status = self._client.get(addresses[0]).status_code
        if status != 200:
            return f"answers {status}"
        times, cpu, statements, sizes = [], [], [], []
        for address in islice(cycle(addresses), self._repeat):
            with counted_statements() as count:
                started, computed = time.perf_counter(), time.process_time()
                answer = self._client.get(address)
                size = len(answer.content)
                times.append(1000 * (time.perf_counter() - started))
                cpu.append(1000 * (time.process_time() - computed))
            statements.append(count())
            sizes.append(size)
            del answer  # as the server has let go of it when the next one is asked for
        p95 = statistics.quantiles(times, n=20, method="inclusive")[-1]  # never more than was measured
        median_ms, cpu_ms = (round(statistics.median(found), 1) for found in (times, cpu))
        return PageFigures(page.title, median_ms, round(p95, 1), cpu_ms, max(statements), max(sizes))

    def _addresses(self, page: Page) -> list[str]:
        named = (*page.arguments, *page.scopes)
        ids = {name: list(_subjects(name).values_list("pk", flat=True)[: self._repeat]) for name in named}
        chosen = range(min(map(len, ids.values()), default=1))
        return [page.address({name: ids[name][n] for name in named}) for n in chosen]


def _subjects(name: str) -> QuerySet[Any]:
    """Those with most to show come first, as far as they differ; ids are random otherwise."""
    rows = SUBJECTS[name]._default_manager.order_by("pk")
    if name not in ("camera_id", "query_id"):
        return rows
    counts = MinuteCount.objects.filter(**{name: OuterRef("pk")})
    return rows.order_by(Exists(counts).desc(), "pk")


def rest_lists() -> Iterator[Page]:
    """What programs list: the first page of each collection of the REST API."""
    for _, resource, name in router.registry:
        if hasattr(resource, "list"):
            yield Page(f"{name}-list", scopes=REST_SCOPES.get(name, ()))


@contextmanager
def counted_statements() -> Iterator[Callable[[], int]]:
    count = 0

    def counting(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        nonlocal count
        count += 1
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(counting):
        yield lambda: count


@contextmanager
def slow_statements(shown_ms: float | None) -> Iterator[None]:
    """Prints each that takes as long, with what it took."""

    def timing(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        started = time.perf_counter()
        try:
            return execute(sql, parameters, many, context)
        finally:
            took_ms = 1000 * (time.perf_counter() - started)
            if shown_ms is not None and took_ms >= shown_ms:
                print(f"{took_ms:8.1f} ms  {sql}", flush=True)

    with connection.execute_wrapper(timing):
        yield


def row_counts() -> dict[str, int]:
    return {
        table._meta.model_name: table.objects.count()
        for table in (Box, Camera, Query, BoxSample, QuerySample, BoxRollup, QueryRollup)
    }
