"""Statistics per minute and per hour, so that a month can be drawn and raw samples need not be kept.

Minutes are computed from samples and hours from minutes, each time anew for all that may have changed: the newest
minutes of all boxes, and those of single boxes for which samples came late (`RollupDue`), so that a box that was away
for a day costs its own day only. It does not matter how often this runs, or whether it runs twice at a time. Times are
truncated in UTC.
"""

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Max, Min

from webapp.telemetry.models import BoxRollup, BoxSample, QueryRollup, Resolution, RollupDue

LATE_AFTER = timedelta(minutes=2)  # samples that come later than this are marked as due
OVERLAP = timedelta(minutes=3)
KEPT = {Resolution.MINUTE: timedelta(days=14), Resolution.HOUR: timedelta(days=400)}
PRUNE_BATCH = 20_000
DUE_BATCH = 5_000  # minutes in one transaction: three days of one box, or ten minutes of 500

_MEMORY = ("budget", "private", "shared", "activations", "overhead", "free")
_SUMS = ("captured", "processed", "dropped", "late", "swaps", "swap_ms")


def rollups_update(*, now: datetime) -> None:
    """Brings minutes and hours up to date."""
    _recent_update(now)
    while _due_update() == DUE_BATCH:
        pass


@transaction.atomic
def _recent_update(now: datetime) -> None:
    since = _since()
    if since is None:
        return
    minutes = {"since": since, "now": now}
    hours = {"since": since.replace(minute=0)}
    with connection.cursor() as cursor:
        for table, of_minutes, of_hours in _SOURCES:
            cursor.execute(_insert(table, of_minutes.format(**_RECENT)), minutes)
            cursor.execute(_insert(table, of_hours.format(**_RECENT_HOURS)), hours)


@transaction.atomic
def _due_update() -> int:
    """Returns for how many late minutes. Those of one box are together, so that few hours are computed twice."""
    due = RollupDue.objects.select_for_update(skip_locked=True).order_by("box_id", "minute")
    rows = list(due.values_list("id", "box_id", "minute")[:DUE_BATCH])
    if rows:
        due_rows = {"due": [row_id for row_id, _, _ in rows]}
        with connection.cursor() as cursor:
            cursor.execute(_DUE_TABLE, due_rows)
            for table, of_minutes, of_hours in _SOURCES:
                cursor.execute(_insert(table, of_minutes.format(**_DUE)))
                cursor.execute(_insert(table, of_hours.format(**_DUE_HOURS)))
            cursor.execute("DROP TABLE rollups_late")
        RollupDue.objects.filter(id__in=due_rows["due"]).delete()
    return len(rows)


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
# A table of its own, so that it is known how few there are: each late minute and hour is then looked up in the index of
# its box. To read the span from the first to the last costs a day of all boxes where only one was away for it.
_DUE_TABLE = """
CREATE TEMPORARY TABLE rollups_late ON COMMIT DROP AS
    SELECT box_id, minute FROM telemetry_rollupdue WHERE id = ANY(%(due)s);
ANALYZE rollups_late
"""
_DUE = {
    "which": "TRUE",
    "join": "JOIN rollups_late late ON late.box_id = box_sample.box_id AND box_sample.at >= late.minute"
    " AND box_sample.at < late.minute + INTERVAL '1 minute'",
}
_RECENT_HOURS = {"which": "rollup.start >= %(since)s", "join": ""}
_DUE_HOURS = {
    "which": "TRUE",
    "join": "JOIN (SELECT DISTINCT box_id AS late_box, date_trunc('hour', minute) AS hour FROM rollups_late) late"
    " ON late_box = rollup.box_id AND rollup.start >= hour AND rollup.start < hour + INTERVAL '1 hour'",
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
FROM telemetry_boxrollup rollup {{join}} WHERE resolution = 'minute' AND {{which}} AND seconds > 0
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
FROM telemetry_queryrollup rollup {{join}} WHERE resolution = 'minute' AND {{which}}
GROUP BY box_id, query_id, date_trunc('hour', start)
"""
_SOURCES = ((BoxRollup, _BOX_MINUTES, _BOX_HOURS), (QueryRollup, _QUERY_MINUTES, _QUERY_HOURS))


def _insert(table: type[BoxRollup] | type[QueryRollup], source: str) -> str:
    """`source`: a SELECT whose columns come in the order of the table's."""
    columns = [field.attname for field in table._meta.concrete_fields if not field.primary_key]
    key = ["box_id", "resolution", "start"] if table is BoxRollup else ["query_id", "resolution", "start"]
    changes = ", ".join(f"{name} = EXCLUDED.{name}" for name in columns if name not in key)
    return (
        f"INSERT INTO {table._meta.db_table} ({', '.join(columns)}) {source} "
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}"
    )
