"""What a page costs the server. An address whose arguments nobody knows, and one that is no page, is told as such."""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

from django.db import connection
from django.test import Client

from demo.gallery.pages import SUBJECTS, Page
from webapp.fleets.models import Box, Camera
from webapp.telemetry.models import QueryRollup
from webapp.workloads.models import Query


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
            name: list(SUBJECTS[name]._default_manager.order_by("pk").values_list("pk", flat=True))
            for name in page.arguments
        }
        known = min(map(len, ids.values()), default=1)
        step = max(1, known // self._repeat)
        chosen = range(0, known, step)[: self._repeat]
        return [page.address({name: ids[name][n] for name in page.arguments}) for n in chosen]


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
