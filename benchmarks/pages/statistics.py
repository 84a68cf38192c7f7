"""Statistics of a big fleet: the database makes them itself, in the order in which they would have come.

Second by second, minute by minute, so that what a page reads of one box lies scattered as in an installation. Indexes
are made afterwards, which takes a fraction of keeping them up to date row by row.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import connection

from webapp.fleets.models import Box, Camera
from webapp.telemetry.models import BoxRollup, BoxSample, QueryRollup, QuerySample, Resolution
from webapp.workloads.models import Query

MIB = 2**20
BUDGET = 256 * MIB
MEMORY = {"budget": BUDGET, "private": 90 * MIB, "shared": 60 * MIB, "activations": 30 * MIB, "overhead": 20 * MIB}
FRAMES = {"captured": 5, "processed": 5, "dropped": 0, "late": 0, "latency_p50_ms": 40.0, "latency_p95_ms": 80.0}
SWAPS = {"swaps": 1, "swap_ms": 12.0, "agreement": 0.97}
SAMPLES, MINUTES, HOURS = 600, 24 * 60, 30 * 24
_FREE = BUDGET - sum(size for band, size in MEMORY.items() if band != "budget")
_MEMORY = {f"memory_{band}": size for band, size in MEMORY.items()} | {"memory_free": _FREE}
_BOXES = f"{Box._meta.db_table} AS box"
_QUERIES = f"{Query._meta.db_table} AS query JOIN {Camera._meta.db_table} AS camera ON query.camera_id = camera.id"


def statistics(now: datetime) -> None:
    """Rows of ten minutes, minutes of a day and hours of a month, for every box and every query."""
    with _without_indexes(BoxRollup, QueryRollup, BoxSample, QuerySample):
        for resolution, count in ((Resolution.HOUR, HOURS), (Resolution.MINUTE, MINUTES)):
            for ago in range(count, 0, -1):
                _rollups(resolution, ago, now)
        for ago in range(SAMPLES, 0, -1):
            _samples(ago, now)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")  # as autovacuum would have done meanwhile


def _rollups(resolution: Resolution, ago: int, now: datetime) -> None:
    unit, seconds = resolution.value, 60.0 if resolution is Resolution.MINUTE else 3600.0
    start = f"date_trunc('{unit}', TIMESTAMPTZ '{now.isoformat()}') - {ago} * INTERVAL '1 {unit}'"
    made = {"resolution": f"'{unit}'", "start": start}
    used = {"memory_used_max": BUDGET - _FREE, "cpu_percent": 80.0, "seconds": seconds}
    asked = {"captured": 25, "processed": 25, "judged": 5, "kept": 5}  # of five queries
    execute(insert(BoxRollup, _BOXES, made | {"box_id": "box.id"}, _MEMORY | used | asked))
    made |= {"box_id": "camera.box_id", "query_id": "query.id"}
    execute(insert(QueryRollup, _QUERIES, made, FRAMES | SWAPS))


def _samples(ago: int, now: datetime) -> None:
    at = f"TIMESTAMPTZ '{now.isoformat()}' - {ago} * INTERVAL '1 second'"
    made = {"box_id": "box.id", "boot_id": "'boot'", "seq": f"{SAMPLES + 1 - ago}", "at": at, "cameras": "'[]'::jsonb"}
    constant = {"interval_s": 1.0, "bundle_version": 1, **_MEMORY, "memory_rss": 300 * MIB, "cpu_percent": 80.0}
    of_boxes = insert(BoxSample, _BOXES, made, constant)
    made = {"query_id": "query.id", "box_sample_id": "sample.id", "at": at, "counts": "'{}'::jsonb"}
    made["appeared"] = "'{}'::jsonb"
    source = f"{_QUERIES} JOIN sample ON sample.box_id = camera.box_id"
    of_queries = insert(QuerySample, source, made, {"bundle_version": 1, **FRAMES, **SWAPS, "agreement_frames": 1})
    execute(f"WITH sample AS ({of_boxes} RETURNING id, box_id) {of_queries}")


def insert(table: Any, source: str, made: dict[str, str], constant: dict[str, float]) -> str:
    """`made`: column -> SQL; `constant`: column -> number."""
    columns = {**made, **{name: repr(value) for name, value in constant.items()}}
    return (
        f"INSERT INTO {table._meta.db_table} ({', '.join(columns)}) SELECT {', '.join(columns.values())} FROM {source}"
    )


@contextmanager
def _without_indexes(*tables: Any) -> Iterator[None]:
    """Nor with unique constraints, nor looking up foreign keys: all but the primary keys is made when it ends."""
    names = [table._meta.db_table for table in tables]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE contype = 'u' AND conrelid = ANY(%s::regclass[])",
            [names],
        )
        constraints = cursor.fetchall()
        for table, name, _ in constraints:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        cursor.execute(
            "SELECT indexrelid::regclass, pg_get_indexdef(indexrelid) FROM pg_index "
            "WHERE indrelid = ANY(%s::regclass[]) AND NOT indisprimary",
            [names],
        )
        indexes = cursor.fetchall()
        for name, _ in indexes:
            cursor.execute(f"DROP INDEX {name}")
        cursor.execute("SET session_replication_role = replica")  # triggers of foreign keys rest
    yield
    execute("SET session_replication_role = DEFAULT")
    execute("SET maintenance_work_mem = '512MB'")
    for table, name, definition in constraints:
        execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
    for _, definition in indexes:
        execute(definition)


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
