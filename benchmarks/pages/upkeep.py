"""What the periodic tasks cost with a big fleet: adding its newest minute up, and removing what is too old.

All of it is rolled back, so that the next run finds the same rows: what a commit costs is missing from the figures.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from webapp.telemetry.models import BoxRollup, BoxSample, QueryRollup, Resolution
from webapp.telemetry.services import rollups_update, samples_prune
from webapp.telemetry.services.rollups import MINUTE, SETTLED_AFTER, minute_of
from webapp.telemetry.services.samples import RETENTION

PRUNED = timedelta(minutes=5)


@dataclass(frozen=True)
class UpkeepFigures:
    """`rows`: samples of boxes that were added up or removed; each has one of every query."""

    task: str
    seconds: float
    rows: int


def upkeep(now: datetime) -> list[UpkeepFigures]:
    """`now`: just after the newest sample."""
    over = minute_of(now)
    newest = BoxSample.objects.filter(at__gte=over - MINUTE, at__lt=over).count()
    oldest = BoxSample.objects.order_by("at").values_list("at", flat=True)[0]

    def forget_newest_minute() -> None:
        for table in (BoxRollup, QueryRollup):
            table.objects.filter(resolution=Resolution.MINUTE, start__gte=over - MINUTE)._raw_delete(using="default")

    return [
        UpkeepFigures(
            "telemetry.rollups_update, one minute, rollups of the hour so far",
            _timed(lambda: rollups_update(now=over + SETTLED_AFTER), before=forget_newest_minute),
            newest,
        ),
        UpkeepFigures(
            f"telemetry.samples_prune, {PRUNED}",
            _timed(lambda: samples_prune(now=oldest + RETENTION + PRUNED)),
            BoxSample.objects.filter(at__lt=oldest + PRUNED).count(),
        ),
    ]


def _timed(work: Callable[[], Any], before: Callable[[], Any] = lambda: None) -> float:
    with transaction.atomic():
        before()
        started = time.monotonic()
        work()
        took = time.monotonic() - started
        transaction.set_rollback(True)
    connection.close()
    return round(took, 2)
