"""Taking in statistics: each message once, in one transaction; raw ones are removed after RETENTION."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from django.db import IntegrityError, transaction

from edge_runtime.protocol.messages import QuerySample as QueryStats
from edge_runtime.protocol.messages import Stats
from webapp.accuracy.services import Scored, accuracy_add
from webapp.fleets.models import Box
from webapp.fleets.services import box_seen
from webapp.realtime.topics import Topic, TopicKind, live_publish_on_commit
from webapp.results.services import counts_add
from webapp.telemetry.models import BoxSample, QuerySample, RollupDue
from webapp.telemetry.policies import StatsUnusable, check_stats, sampled_at
from webapp.telemetry.services.rollups import LATE_AFTER
from webapp.workloads.models import Query

RETENTION = timedelta(days=7)
LIVE_AGE_MAX = timedelta(seconds=15)
PRUNE_BATCH = 20_000


@transaction.atomic
def stats_record(*, box: Box, stats: Stats, now: datetime) -> bool:
    """Stores one message and adds to the counts. False when it is stored already. Raises StatsUnusable.

    `box_seen` locks the box's row, so messages of one box follow each other. Samples of queries that are not
    this box's (deleted meanwhile, or never its own) are left out.
    """
    check_stats(stats)
    box_seen(box_id=box.id, now=now)
    sample = _box_sample(box, stats, now)
    if sample.at < now - RETENTION:  # nothing would be left to recognise the same message by
        raise StatsUnusable(f"The statistics are of {sample.at:%Y-%m-%d}, older than what is kept.")
    try:
        with transaction.atomic():
            sample.save(force_insert=True)
    except IntegrityError:  # the values are checked, so only (box, boot_id, seq) can be refused
        return False
    owned = Query.objects.filter(camera__box=box).values_list("id", "camera_id")
    cameras = {str(query_id): camera_id for query_id, camera_id in owned}
    parts = {part.query: part for part in stats.queries if part.query in cameras}
    QuerySample.objects.bulk_create(_query_sample(sample, part) for part in parts.values())
    middle = sample.at - timedelta(seconds=stats.interval_s / 2)
    counts_add(samples=parts.values(), cameras=cameras, at=middle)
    accuracy_add(Scored(part, box.id, stats.bundle_version, middle) for part in parts.values())
    if now - sample.at > LATE_AFTER:
        _mark_due(sample)
    if now - sample.at < LIVE_AGE_MAX:  # a spool that is caught up with is history, nothing to watch
        live_publish_on_commit(Topic(TopicKind.BOX, box.id), "stats", stats=msgspec.to_builtins(stats))
    return True


def _mark_due(sample: BoxSample) -> None:
    """An update, not nothing, where it is marked already: it waits for whoever is adding that minute up just now."""
    due = RollupDue(box_id=sample.box_id, minute=sample.at.replace(second=0, microsecond=0), marked_at=sample.at)
    RollupDue.objects.bulk_create(
        [due], update_conflicts=True, unique_fields=["box", "minute"], update_fields=["marked_at"]
    )


def samples_prune(*, now: datetime) -> int:
    """Removes samples older than RETENTION, in batches so that no lock is held for long. Returns how many."""
    old = BoxSample.objects.filter(at__lt=now - RETENTION).order_by("at")
    removed = 0
    while batch := list(old.values_list("id", flat=True)[:PRUNE_BATCH]):
        with transaction.atomic():
            QuerySample.objects.filter(box_sample__in=batch)._raw_delete(using="default")
            BoxSample.objects.filter(id__in=batch)._raw_delete(using="default")
        removed += len(batch)
    return removed


def _box_sample(box: Box, stats: Stats, now: datetime) -> BoxSample:
    return BoxSample(
        box=box,
        boot_id=stats.boot_id,
        seq=stats.seq,
        at=sampled_at(stats, now),
        interval_s=stats.interval_s,
        bundle_version=stats.bundle_version,
        cpu_percent=stats.cpu_percent,
        cameras=msgspec.to_builtins(stats.cameras),
        host=msgspec.to_builtins(stats.host),
        **{f"memory_{band}": size for band, size in msgspec.structs.asdict(stats.memory).items()},
    )


def _query_sample(sample: BoxSample, part: QueryStats) -> QuerySample:
    values = msgspec.structs.asdict(part)
    values.pop("scored")  # kept per minute: accuracy_add
    query_id = UUID(values.pop("query"))
    return QuerySample(
        box_sample=sample, query_id=query_id, at=sample.at, bundle_version=sample.bundle_version, **values
    )
