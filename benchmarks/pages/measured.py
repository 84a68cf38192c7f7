"""All pages and periodic tasks measured against one fleet, which is made where there is none."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from unittest import mock

from django.db import connection
from django.test import Client
from django.utils import timezone

from benchmarks.pages.fleet import seed
from benchmarks.pages.pages import Measurement, PageFigures, rest_lists, row_counts
from benchmarks.pages.upkeep import UpkeepFigures, upkeep
from demo.gallery.pages import our_pages
from webapp.accounts.models import Person
from webapp.common.startup import startup_frozen
from webapp.fleets.models import Box
from webapp.results.services import count_hours_update
from webapp.results.services.hours import HOURS_AT_ONCE
from webapp.telemetry.models import BoxSample


@dataclass(frozen=True)
class Measured:
    rows: dict[str, int]
    pages: list[PageFigures]
    upkeep: list[UpkeepFigures]
    not_measured: dict[str, str]


def measured(boxes: int, repeat: int, only: str | None, shown_ms: float | None) -> Measured:
    """`only`: part of the names of pages; `shown_ms`: statements that take as long are printed."""
    if not Box.objects.exists():
        print(f"Making a fleet of {boxes} boxes.", flush=True)
        seed(boxes, datetime.now(UTC))
    newest = BoxSample.objects.order_by("at").values_list("at", flat=True).last() or datetime.now(UTC)
    while count_hours_update(now=newest) == HOURS_AT_ONCE:
        pass  # as the periodic task has done
    startup_frozen()  # as the web process does
    try:
        pages, not_measured = _pages(repeat, only, shown_ms, newest)
        with clock_from(newest):
            tasks = upkeep(newest) if not only or only in "upkeep" else []
        for task in tasks:
            print(f"{task.seconds:8.2f} s   {task.rows:7} rows  {task.task}", flush=True)
        return Measured(row_counts(), pages, tasks, not_measured)
    finally:
        connection.close()


@contextmanager
def clock_from(start: datetime) -> Iterator[None]:
    """What the product takes for the present goes on from `start`."""
    ahead = timezone.now() - start

    def now() -> datetime:
        return datetime.now(UTC) - ahead

    with mock.patch("django.utils.timezone.now", now):
        yield


def _pages(
    repeat: int, only: str | None, shown_ms: float | None, newest: datetime
) -> tuple[list[PageFigures], dict[str, str]]:
    """Each page at the time of the newest sample: a minute later the whole fleet would be offline."""
    client = Client()
    client.force_login(Person.objects.get(username="administrator"))
    measurement, figures, not_measured = Measurement(client, repeat, shown_ms), [], {}
    for page in (*our_pages(), *rest_lists()):
        if only and only not in page.name:
            continue
        with clock_from(newest):
            found = measurement.of(page)
        if isinstance(found, PageFigures):
            figures.append(found)
            took = f"{found.median_ms:8.1f} p95 {found.p95_ms:8.1f} ms  cpu {found.cpu_ms:6.1f} ms"
            size = f"{found.statements:4} statements  {found.size_bytes / 1024:7.0f} KiB"
            print(f"{took}  {size}  {found.page}", flush=True)
        else:
            not_measured[page.title] = found
    return figures, not_measured
