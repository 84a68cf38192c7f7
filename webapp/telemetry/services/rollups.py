"""Statistics per minute and per hour, so that a month can be drawn and raw samples need not be kept.

Every minute is added up once, of all boxes together, when it has been over for SETTLED_AFTER. Samples that come after
LATE_AFTER mark their minute as due (`RollupDue`), and it is added up again for their box alone: a box that was away for
a day costs its own day only. Hours are computed anew from their minutes. It does not matter how often this runs, or
whether it runs twice at a time. Times are truncated in UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Max, Min

from webapp.results.services import count_hours_again, count_hours_update
from webapp.telemetry.models import BoxRollup, BoxSample, QueryRollup, Resolution, RollupDue

MINUTE = timedelta(minutes=1)
LATE_AFTER = timedelta(seconds=10)  # after the end of its minute
SETTLED_AFTER = timedelta(seconds=30)  # later by more than the transaction takes that stores a sample which is not late
KEPT = {Resolution.MINUTE: timedelta(days=14), Resolution.HOUR: timedelta(days=400)}
PRUNE_BATCH = 20_000
DUE_BATCH = 5_000  # minutes in one transaction: three days of one box, or ten minutes of 500

_MEMORY = ("budget", "private", "shared", "activations", "overhead", "free")
_SUMS = ("captured", "processed", "dropped", "late", "swaps", "swap_ms")


def minute_of(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def is_late(minute: datetime, now: datetime) -> bool:
    """Whether a sample of that minute which is stored now may come after the minute was added up."""
    return now >= minute + MINUTE + LATE_AFTER


def rollups_update(*, now: datetime) -> None:
    """Brings minutes that are over and their hours up to date, and the hours of counts."""
    until = minute_of(now - SETTLED_AFTER)
    _whole_minutes_update(until)
    count_hours_update(now=now)
    while _due_update(until) == DUE_BATCH:
        pass


@transaction.atomic
def _whole_minutes_update(until: datetime) -> None:
    since = _since()
    if since is None or since >= until:
        return
    with connection.cursor() as cursor:
        _add_up(cursor, _WHOLE, {"since": since, "hour": since.replace(minute=0), "until": until})


@transaction.atomic
def _due_update(until: datetime) -> int:
    """Returns for how many late minutes. Those of one box are together, so that few hours are computed twice."""
    due = RollupDue.objects.filter(minute__lt=until).select_for_update(skip_locked=True).order_by("box_id", "minute")
    marked = list(due.values_list("id", "box_id", "minute")[:DUE_BATCH])
    rows = [row_id for row_id, _, _ in marked]
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(_DUE_TABLE, {"due": rows})
            _add_up(cursor, _LATE, {})
            cursor.execute("DROP TABLE rollups_late")
        count_hours_again(minutes=[(box_id, minute) for _, box_id, minute in marked])
        RollupDue.objects.filter(id__in=rows).delete()
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
    """The first minute that has not been added up; None without any sample."""
    newest = BoxRollup.objects.filter(resolution=Resolution.MINUTE).aggregate(at=Max("start"))["at"]
    if newest is not None:
        return newest + MINUTE
    oldest = BoxSample.objects.aggregate(at=Min("at"))["at"]
    return oldest and minute_of(oldest)


@dataclass(frozen=True)
class _Of:
    """What is added up, as parts of SQL: samples to minutes, minutes to hours, and what of queries belongs to either.

    Each has what it joins and what it asks of `box_sample`, `query_sample` or `rollup`.
    """

    samples: tuple[str, str]
    query_samples: tuple[str, str]
    minutes: tuple[str, str]
    asked_minutes: tuple[str, str]
    asked_hours: tuple[str, str]


_SAMPLES = "box_sample.at >= %(since)s AND box_sample.at < %(until)s"
_WHOLE = _Of(
    samples=("", _SAMPLES),
    # Both have the same time, and each table finds a minute by its own index.
    query_samples=("", f"{_SAMPLES} AND query_sample.at >= %(since)s AND query_sample.at < %(until)s"),
    minutes=("", "rollup.start >= %(hour)s AND rollup.start < %(until)s"),
    asked_minutes=("", "rollup.start >= %(since)s AND rollup.start < %(until)s"),
    asked_hours=("", "rollup.start >= %(hour)s AND rollup.start < %(until)s"),
)
# A table of its own, so that it is known how few there are: each late minute and hour is then looked up in the index of
# its box. To read the span from the first to the last costs a day of all boxes where only one was away for it.
_DUE_TABLE = """
CREATE TEMPORARY TABLE rollups_late ON COMMIT DROP AS
    SELECT box_id, minute FROM telemetry_rollupdue WHERE id = ANY(%(due)s);
ANALYZE rollups_late
"""
_LATE_HOURS = "JOIN (SELECT DISTINCT box_id AS late_box, date_trunc('hour', minute) AS hour FROM rollups_late) late"
_LATE_SAMPLES = (
    "JOIN rollups_late late ON late.box_id = box_sample.box_id AND box_sample.at >= late.minute"
    " AND box_sample.at < late.minute + INTERVAL '1 minute'"
)
_LATE = _Of(
    samples=(_LATE_SAMPLES, "TRUE"),
    query_samples=(_LATE_SAMPLES, "TRUE"),
    minutes=(
        f"{_LATE_HOURS} ON late_box = rollup.box_id AND rollup.start >= hour"
        " AND rollup.start < hour + INTERVAL '1 hour'",
        "TRUE",
    ),
    asked_minutes=("JOIN rollups_late late ON late.box_id = rollup.box_id AND late.minute = rollup.start", "TRUE"),
    asked_hours=(f"{_LATE_HOURS} ON late_box = rollup.box_id AND rollup.start = hour", "TRUE"),
)
_QUERY_FIGURES = f"""
    {", ".join(f"sum({name})" for name in _SUMS)},
    sum(latency_p50_ms * processed) / nullif(sum(processed) FILTER (WHERE latency_p50_ms IS NOT NULL), 0),
    max(latency_p95_ms), avg(agreement)
"""


def _query_minutes(of: _Of) -> str:
    join, which = of.query_samples
    return f"""
SELECT box_sample.box_id, query_id, 'minute', date_trunc('minute', box_sample.at), {_QUERY_FIGURES}
FROM telemetry_querysample query_sample JOIN telemetry_boxsample box_sample ON box_sample.id = box_sample_id {join}
WHERE {which} GROUP BY box_sample.box_id, query_id, date_trunc('minute', box_sample.at)
"""


def _query_hours(of: _Of) -> str:
    join, which = of.minutes
    return f"""
SELECT rollup.box_id, query_id, 'hour', date_trunc('hour', start), {_QUERY_FIGURES}
FROM telemetry_queryrollup rollup {join} WHERE resolution = 'minute' AND {which}
GROUP BY rollup.box_id, query_id, date_trunc('hour', start)
"""


def _box_minutes(of: _Of) -> str:
    join, which = of.samples
    memory = ", ".join(f"avg(memory_{band})::bigint" for band in _MEMORY)
    return _with_queries(
        f"""
SELECT box_sample.box_id, 'minute', date_trunc('minute', box_sample.at) AS start, sum(box_sample.interval_s),
    {memory}, max(memory_budget - memory_free), avg(cpu_percent)
FROM telemetry_boxsample box_sample {join} WHERE {which}
GROUP BY box_sample.box_id, date_trunc('minute', box_sample.at)
""",
        Resolution.MINUTE,
        of.asked_minutes,
    )


def _box_hours(of: _Of) -> str:
    join, which = of.minutes
    memory = ", ".join(f"(sum(memory_{band} * seconds) / sum(seconds))::bigint" for band in _MEMORY)
    return _with_queries(
        f"""
SELECT rollup.box_id, 'hour', date_trunc('hour', rollup.start) AS start, sum(seconds),
    {memory}, max(memory_used_max), sum(cpu_percent * seconds) / sum(seconds)
FROM telemetry_boxrollup rollup {join} WHERE resolution = 'minute' AND {which} AND seconds > 0
GROUP BY rollup.box_id, date_trunc('hour', rollup.start)
""",
        Resolution.HOUR,
        of.asked_hours,
    )


def _with_queries(boxes: str, resolution: Resolution, asked: tuple[str, str]) -> str:
    """`boxes`: a SELECT with `box_id` and `start`; the rollups of their queries are there already.

    MATERIALIZED: where the planner expects a single row, it would add these up again for each row of `boxes`.
    """
    join, which = asked
    return f"""
WITH queries AS MATERIALIZED (
    SELECT rollup.box_id, rollup.start, sum(captured) AS captured, sum(processed) AS processed,
        count(agreement) AS judged, count(*) FILTER (WHERE agreement >= query.accuracy_target) AS kept
    FROM telemetry_queryrollup rollup JOIN workloads_query query ON query.id = rollup.query_id {join}
    WHERE resolution = '{resolution}' AND {which} GROUP BY rollup.box_id, rollup.start
)
SELECT boxes.*, {", ".join(f"coalesce(queries.{name}, 0)" for name in ("captured", "processed", "judged", "kept"))}
FROM ({boxes}) boxes LEFT JOIN queries USING (box_id, start)
"""


_STEPS = (  # in this order: each reads what the one before has written
    (QueryRollup, _query_minutes),
    (QueryRollup, _query_hours),
    (BoxRollup, _box_minutes),
    (BoxRollup, _box_hours),
)


def _add_up(cursor: CursorWrapper, of: _Of, parameters: Mapping[str, datetime]) -> None:
    cursor.execute("SET LOCAL work_mem = '64MB'")  # else 300,000 samples a minute are sorted on disk
    for table, source in _STEPS:
        cursor.execute(_insert(table, source(of)), parameters)


def _insert(table: type[BoxRollup] | type[QueryRollup], source: str) -> str:
    """`source`: a SELECT whose columns come in the order of the table's."""
    columns = [field.attname for field in table._meta.concrete_fields if not field.primary_key]
    key = ["box_id", "resolution", "start"] if table is BoxRollup else ["query_id", "resolution", "start"]
    changes = ", ".join(f"{name} = EXCLUDED.{name}" for name in columns if name not in key)
    return (
        f"INSERT INTO {table._meta.db_table} ({', '.join(columns)}) {source} "
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}"
    )
