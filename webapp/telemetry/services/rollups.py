"""Statistics per minute and per hour, so that a month can be drawn and raw samples need not be kept.

Minutes are computed from samples and hours from minutes, each time anew for all that may have changed: the newest
minutes, and those for which samples came late (`RollupDue`). So it does not matter how often this runs, or whether it
runs twice at a time. Times are truncated in UTC.
"""

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Max, Min

from webapp.telemetry.models import BoxRollup, BoxSample, QueryRollup, Resolution, RollupDue

LATE_AFTER = timedelta(minutes=2)  # samples that come later than this are marked as due
OVERLAP = timedelta(minutes=3)
KEPT = {Resolution.MINUTE: timedelta(days=14), Resolution.HOUR: timedelta(days=400)}
PRUNE_BATCH = 20_000

_MEMORY = ("budget", "private", "shared", "activations", "overhead", "free")
_SUMS = ("captured", "processed", "dropped", "late", "swaps", "swap_ms")


@transaction.atomic
def rollups_update(*, now: datetime) -> None:
    """Brings minutes and hours up to date."""
    due = list(RollupDue.objects.select_for_update(skip_locked=True).values_list("id", "minute"))
    ids = [row_id for row_id, _ in due]
    since = _since()
    with connection.cursor() as cursor:
        for table, source in ((BoxRollup, _BOX_MINUTES), (QueryRollup, _QUERY_MINUTES)):
            if since is not None:
                cursor.execute(_insert(table, source.format(**_RECENT)), {"since": since, "now": now})
            if ids:
                cursor.execute(_insert(table, source.format(**_DUE)), {"due": ids})
        starts = [minute for _, minute in due] + ([] if since is None else [since])
        if starts:
            hours = {"since": min(starts).replace(minute=0, second=0, microsecond=0)}
            for table, source in ((BoxRollup, _BOX_HOURS), (QueryRollup, _QUERY_HOURS)):
                cursor.execute(_insert(table, source), hours)
    RollupDue.objects.filter(id__in=ids).delete()


def rollups_prune(*, now: datetime) -> int:
    """Removes rollups older than KEPT, in batches so that no lock is held for long. Returns how many."""
    removed = 0
    for table in (BoxRollup, QueryRollup):
        for resolution, kept in KEPT.items():
            old = table.objects.filter(resolution=resolution, start__lt=now - kept).order_by("start")
            while batch := list(old.values_list("id", flat=True)[:PRUNE_BATCH]):
                removed += table.objects.filter(id__in=batch)._raw_delete(using="default")
    return removed


def _since() -> datetime | None:
    """From when on minutes may be missing or incomplete; None without any sample."""
    newest = BoxRollup.objects.filter(resolution=Resolution.MINUTE).aggregate(at=Max("start"))["at"]
    since = newest - OVERLAP if newest else BoxSample.objects.aggregate(at=Min("at"))["at"]
    return since and since.replace(second=0, microsecond=0)


_RECENT = {"which": "box_sample.at >= %(since)s AND box_sample.at < %(now)s", "join": ""}
_DUE = {
    "which": "due.id = ANY(%(due)s)",
    "join": "JOIN telemetry_rollupdue due ON due.box_id = box_sample.box_id AND box_sample.at >= due.minute"
    " AND box_sample.at < due.minute + interval '1 minute'",
}
_BOX_MINUTES = f"""
SELECT box_sample.box_id, 'minute', date_trunc('minute', box_sample.at), sum(box_sample.interval_s),
    {", ".join(f"avg(memory_{band})::bigint" for band in _MEMORY)}, max(memory_budget - memory_free), avg(cpu_percent)
FROM telemetry_boxsample box_sample {{join}} WHERE {{which}}
GROUP BY box_sample.box_id, date_trunc('minute', box_sample.at)
"""
_BOX_HOURS = f"""
SELECT box_id, 'hour', date_trunc('hour', start), sum(seconds),
    {", ".join(f"(sum(memory_{band} * seconds) / sum(seconds))::bigint" for band in _MEMORY)},
    max(memory_used_max), sum(cpu_percent * seconds) / sum(seconds)
FROM telemetry_boxrollup WHERE resolution = 'minute' AND start >= %(since)s AND seconds > 0
GROUP BY box_id, date_trunc('hour', start)
"""
_QUERY_MINUTES = f"""
SELECT box_sample.box_id, query_id, 'minute', date_trunc('minute', box_sample.at),
    {", ".join(f"sum({name})" for name in _SUMS)},
    sum(latency_p50_ms * processed) / nullif(sum(processed) FILTER (WHERE latency_p50_ms IS NOT NULL), 0),
    max(latency_p95_ms), avg(agreement)
FROM telemetry_querysample JOIN telemetry_boxsample box_sample ON box_sample.id = box_sample_id {{join}}
WHERE {{which}} GROUP BY box_sample.box_id, query_id, date_trunc('minute', box_sample.at)
"""
_QUERY_HOURS = f"""
SELECT box_id, query_id, 'hour', date_trunc('hour', start), {", ".join(f"sum({name})" for name in _SUMS)},
    sum(latency_p50_ms * processed) / nullif(sum(processed) FILTER (WHERE latency_p50_ms IS NOT NULL), 0),
    max(latency_p95_ms), avg(agreement)
FROM telemetry_queryrollup WHERE resolution = 'minute' AND start >= %(since)s
GROUP BY box_id, query_id, date_trunc('hour', start)
"""


def _insert(table: type[BoxRollup] | type[QueryRollup], source: str) -> str:
    """`source`: a SELECT whose columns come in the order of the table's."""
    columns = [field.attname for field in table._meta.concrete_fields if not field.primary_key]
    key = ["box_id", "resolution", "start"] if table is BoxRollup else ["query_id", "resolution", "start"]
    changes = ", ".join(f"{name} = EXCLUDED.{name}" for name in columns if name not in key)
    return (
        f"INSERT INTO {table._meta.db_table} ({', '.join(columns)}) {source} "
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}"
    )
