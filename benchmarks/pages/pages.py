"""Every page that a person can open, found in the URL configuration, so that a new one is measured without being named.

An address with arguments is asked for with the ids of what is there; one whose arguments nobody knows is told as such.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any
from urllib.parse import urlencode

from django.db import connection, models
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from webapp.accounts.models import Person
from webapp.fleets.models import Box, Camera, Site
from webapp.merges.models import MergedGroup, MergeRun
from webapp.telemetry.models import QueryRollup
from webapp.workloads.models import Dataset, Model, Query

SUBJECTS: dict[str, type[models.Model]] = {
    "box_id": Box,
    "camera_id": Camera,
    "dataset_id": Dataset,
    "group_id": MergedGroup,
    "model_id": Model,
    "person_id": Person,
    "query_id": Query,
    "run_id": MergeRun,
    "site_id": Site,
}
NO_PAGES = (".csv", ".jpg", "api/")  # downloads, pictures, and what programs ask for
VARIANTS = {
    "dashboard:box-detail": ({"history": "24h"}, {"history": "30d"}),
    "dashboard:query-detail": ({"history": "24h", "span": "7d"}, {"history": "30d", "span": "7d"}),
    "dashboard:box-list": ({"search": "box 01"},),
}


@dataclass(frozen=True)
class Page:
    """`arguments` are names of ids; `asked`: the query string."""

    name: str
    arguments: tuple[str, ...] = ()
    asked: dict[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return f"{self.name}?{urlencode(self.asked)}" if self.asked else self.name


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


def all_pages() -> Iterator[Page]:
    for name, pattern in sorted(_named(get_resolver())):
        page = Page(name, tuple(pattern.pattern.converters))
        yield page
        for asked in VARIANTS.get(name, ()):
            yield Page(name, page.arguments, asked)


def _named(resolver: URLResolver, namespace: str = "", prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Of our apps; the pages for signing in, which are a library's, have no namespace."""
    for found in resolver.url_patterns:
        path = prefix + str(found.pattern)
        if any(part in path for part in NO_PAGES):
            continue
        if isinstance(found, URLResolver):
            inner = f"{namespace}{found.namespace}:" if found.namespace else namespace
            yield from _named(found, inner, path)
        elif found.name and namespace:
            yield namespace + found.name, found


class Measurement:
    """`repeat` requests for each page, each of another box, camera and so on, after one that does not count."""

    def __init__(self, client: Client, repeat: int) -> None:
        self._client, self._repeat = client, repeat

    def of(self, page: Page) -> PageFigures | str:
        """A sentence where it is no page that can be opened."""
        if unknown := [name for name in page.arguments if name not in SUBJECTS]:
            return f"needs {', '.join(unknown)}"
        addresses = self._addresses(page)
        answer = self._client.get(addresses[0])
        if answer.status_code != 200:
            return f"answers {answer.status_code}"
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
        p95 = statistics.quantiles(times, n=20)[-1]
        median_ms, cpu_ms = (round(statistics.median(found), 1) for found in (times, cpu))
        return PageFigures(page.title, median_ms, round(p95, 1), cpu_ms, max(statements), max(sizes))

    def _addresses(self, page: Page) -> list[str]:
        ids = {
            name: list(SUBJECTS[name].objects.order_by("pk").values_list("pk", flat=True)) for name in page.arguments
        }
        known = min(map(len, ids.values()), default=1)
        step = max(1, known // self._repeat)
        chosen = range(0, known, step)[: self._repeat]
        asked = f"?{urlencode(page.asked)}" if page.asked else ""
        return [reverse(page.name, kwargs={name: ids[name][n] for name in page.arguments}) + asked for n in chosen]


def _ids(table: type[models.Model]) -> list[Any]:
    return list(table._default_manager.order_by("pk").values_list("pk", flat=True))


@contextmanager
def counted_statements() -> Iterator[Callable[[], int]]:
    count = 0

    def counting(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        nonlocal count
        count += 1
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(counting):
        yield lambda: count


def row_counts() -> dict[str, int]:
    return {table._meta.model_name: table.objects.count() for table in (Box, Camera, Query, QueryRollup)}
