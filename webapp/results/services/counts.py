"""Counts per query and minute, added up as statistics come in and kept long after these are gone."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from edge_runtime.protocol.messages import QuerySample
from webapp.results.models import MinuteCount
from webapp.results.policies import COUNTS_KEPT

PRUNE_BATCH = 20_000
_PRESENT_DECIMALS = 3  # a mean times its frames is a whole number but for the rounding of the mean


def counts_add(*, samples: Iterable[QuerySample], cameras: Mapping[str, UUID], at: datetime) -> None:
    """Adds one message's samples to the minute of `at`. `cameras`: the camera of each query, by the query's id.

    Call it once per stored message, in the transaction that stores it, so that a message sent twice counts once; and
    with the box's row locked, so that two messages of one box never add to the same row at the same time.
    """
    minute = at.replace(second=0, microsecond=0)
    counted = [sample for sample in samples if sample.processed or sample.appeared]
    found = MinuteCount.objects.filter(query_id__in=[sample.query for sample in counted], minute=minute)
    stored = {str(row.query_id): row for row in found}
    new: list[MinuteCount] = []
    for sample in counted:
        row = stored.get(sample.query)
        if row is None:
            row = MinuteCount(query_id=UUID(sample.query), camera_id=cameras[sample.query], minute=minute)
            new.append(row)
        row.frames += sample.processed
        for label, objects in sample.appeared.items():
            row.appeared[label] = row.appeared.get(label, 0) + objects
        for label, mean in sample.counts.items():
            total = row.present.get(label, 0.0) + mean * sample.processed
            row.present[label] = round(total, _PRESENT_DECIMALS)
    MinuteCount.objects.bulk_create(new)
    MinuteCount.objects.bulk_update(stored.values(), ["frames", "appeared", "present"])


def counts_prune(*, now: datetime) -> int:
    """Removes counts older than COUNTS_KEPT, in batches so that no lock is held for long. Returns how many."""
    old = MinuteCount.objects.filter(minute__lt=now - COUNTS_KEPT).order_by("minute")
    removed = 0
    while batch := list(old.values_list("id", flat=True)[:PRUNE_BATCH]):
        removed += MinuteCount.objects.filter(id__in=batch)._raw_delete(using="default")
    return removed
