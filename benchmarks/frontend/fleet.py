"""The fleet of bench-pages, small, and the run that the live chart shows."""

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone
from PIL import Image

from benchmarks.pages.fleet import seed as seed_pages
from webapp.fleets.models import Box, Camera
from webapp.merges.models import MergeRun, MergeRunEvent, MergeRunQuery, MergeRunState
from webapp.workloads.models import Model, Query


def _picture() -> bytes:
    written = io.BytesIO()
    Image.effect_noise((640, 360), 60).convert("RGB").save(written, "JPEG", quality=70)
    return written.getvalue()


PICTURE = _picture()


def seed(boxes: int, now: datetime) -> None:
    """Once: what is there is kept."""
    if not Box.objects.exists():
        seed_pages(boxes, now)


def watched() -> tuple[Box, Sequence[Camera], Sequence[Query]]:
    box = Box.objects.filter(is_connected=True).order_by("name")[0]
    queries = list(Query.objects.filter(camera__box=box).select_related("camera").order_by("name"))
    return box, [query.camera for query in queries], queries


def going_run(count: int) -> tuple[Any, list[str]]:
    """A merge run that is under way, over `count` queries."""
    now, box, model = timezone.now(), Box.objects.order_by("name")[0], Model.objects.order_by("name")[0]
    MergeRun.objects.filter(state=MergeRunState.RUNNING).delete()
    run = MergeRun.objects.create(box=box, state=MergeRunState.RUNNING, created_at=now, started_at=now)
    names = [f"query {number}" for number in range(count)]
    MergeRunQuery.objects.bulk_create(
        MergeRunQuery(run=run, model=model, name=name, accuracy_target=0.95) for name in names
    )
    MergeRunEvent.objects.create(run=run, seq=0, at=now, payload={"type": "progress", "seconds": 0.0, "queries": []})
    return run, names
