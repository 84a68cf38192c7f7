"""Reading statistics: series for charts, and what each bundle version was measured to do."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection
from django.db.models import Avg, DateTimeField, F, Func, Max, OuterRef, QuerySet, Subquery, Sum, Value

from edge_runtime.protocol.messages import HostSample
from webapp.fleets.models import Box
from webapp.telemetry.models import BoxRollup, BoxSample, QueryRollup, QuerySample, Resolution
from webapp.workloads.models import Query

WARM_UP = timedelta(seconds=5)
SPAN_MAX = timedelta(minutes=10)  # an hour of ten versions and five queries were 200,000 rows for one table of a page
VERSIONS_MAX = 10
MINUTE_AGE_MAX = timedelta(minutes=5)
HOST_AMONG = 60  # every few samples tell of the hardware; those of boxes of an older version never


@dataclass(frozen=True)
class BundleFigures:
    """What a box measured while it ran one bundle version; None where nothing was counted.

    Bytes are means over `observed_s` seconds; `memory_used` is the budget less what was free. `lost_fraction` is
    (dropped + late) / captured. `agreement` is the mean over sampled frames of all merged queries.
    """

    version: int
    since: datetime
    until: datetime
    observed_s: float
    memory_used: float
    memory_private: float
    memory_shared: float
    swaps_per_minute: float
    captured: int
    processed: int
    lost_fraction: float | None
    processed_fps: float
    agreement: float | None


@dataclass(frozen=True)
class Residency:
    """Shares 0..1 of a while from `at` on: all of the query's model was on the compute device, and execution waited for
    it. `resident` is None for a box that does not say so."""

    query_id: UUID
    at: datetime
    resident: float | None
    stalled: float


@dataclass(frozen=True)
class Hardware:
    """The machine at one moment, and what the box's process took of it then; 100 % of CPU are one core."""

    at: datetime
    process_cpu_percent: float
    process_memory: int
    host: HostSample


@dataclass(frozen=True)
class FleetHour:
    """Many boxes over an hour: seconds that they were heard, frames, and of the queries whose agreement was sampled
    (`judged`) how many were at or above their accuracy target (`kept`)."""

    start: datetime
    heard_s: float
    captured: int
    processed: int
    judged: int
    kept: int


@dataclass(frozen=True)
class FleetMinute:
    """Frames of many boxes in the minute from `start` on."""

    start: datetime
    captured: int
    processed: int

    @property
    def in_time(self) -> float | None:
        return self.processed / self.captured if self.captured else None


def box_series(box: Box, since: datetime) -> QuerySet[BoxSample]:
    """Samples of the box from `since` on, oldest first."""
    return BoxSample.objects.filter(box=box, at__gte=since).order_by("at")


def box_rollups(box: Box, resolution: Resolution, since: datetime) -> QuerySet[BoxRollup]:
    """Of the box from `since` on, oldest first."""
    return BoxRollup.objects.filter(box=box, resolution=resolution, start__gte=since).order_by("start")


def query_rollups(query: Query, resolution: Resolution, since: datetime) -> QuerySet[QueryRollup]:
    """Of the query from `since` on, oldest first."""
    return QueryRollup.objects.filter(query_id=query.id, resolution=resolution, start__gte=since).order_by("start")


def queries_rollups(box: Box, resolution: Resolution, since: datetime) -> QuerySet[QueryRollup]:
    """Of all queries of the box from `since` on, oldest first."""
    return QueryRollup.objects.filter(box=box, resolution=resolution, start__gte=since).order_by("start")


def query_series(query: Query, since: datetime) -> QuerySet[QuerySample]:
    """Samples of the query from `since` on, oldest first."""
    return QuerySample.objects.filter(query_id=query.id, at__gte=since).order_by("at")


def residencies(queries: Collection[UUID], since: datetime, step: timedelta) -> list[Residency]:
    """Of these queries in each `step` from `since` on that they have statistics of, oldest first."""
    step_of = Func(Value(step), F("at"), Value(since), function="date_bin", output_field=DateTimeField())
    samples = QuerySample.objects.filter(query_id__in=queries, at__gte=since).annotate(step=step_of)
    sums = samples.values_list("step", "query_id").annotate(share=Avg("resident"), stalled_ms=Sum("swap_ms"))
    step_ms = 1000 * step.total_seconds()
    return [
        Residency(query_id, at, share, min(stalled_ms / step_ms, 1.0))
        for at, query_id, share, stalled_ms in sums.order_by("step")
    ]


def latest_sample(box: Box) -> BoxSample | None:
    """The newest sample, with its query samples fetched along."""
    return BoxSample.objects.filter(box=box).prefetch_related("query_samples").order_by("-at").first()


def samples_dropped(newest: BoxSample | None, since: datetime) -> int:
    """How many samples the box of `newest`, its newest one, has lost since then: out of its spool, or by its disk."""
    if newest is None or not newest.samples_dropped:
        return 0
    earlier = BoxSample.objects.filter(box_id=newest.box_id, at__lt=since).order_by("-at")
    before = earlier.values_list("samples_dropped", flat=True).first() or 0
    return newest.samples_dropped - before if newest.samples_dropped >= before else newest.samples_dropped


def latest_hardware(box: Box) -> Hardware | None:
    """What the box last told about its hardware; None where its newest samples tell nothing."""
    newest = BoxSample.objects.filter(box=box).order_by("-at").values_list("at", "host", "cpu_percent", "memory_rss")
    found = next((values for values in newest[:HOST_AMONG] if values[1] is not None), None)
    if found is None:
        return None
    at, host, process_cpu_percent, process_memory = found
    return Hardware(at, process_cpu_percent, process_memory, msgspec.convert(host, HostSample))


def latest_samples(boxes: Iterable[Box]) -> dict[object, BoxSample]:
    """The newest sample of each box, by box id, without what it tells of cameras and hardware.

    Looked up box by box in the index: sorting ten minutes takes longer.
    """
    newest = BoxSample.objects.filter(box=OuterRef("pk")).order_by("-at").values("id")[:1]
    ids = Box.objects.filter(pk__in=[box.pk for box in boxes]).order_by().values(newest_id=Subquery(newest))
    samples = BoxSample.objects.filter(id__in=ids).defer("cameras", "host")
    return {sample.box_id: sample for sample in samples}


def samples_of_queries(samples: Iterable[BoxSample], queries: Collection[UUID]) -> dict[UUID, QuerySample]:
    """What these samples tell of these queries, by query id."""
    told = QuerySample.objects.filter(box_sample__in=list(samples), query_id__in=list(queries))
    return {sample.query_id: sample for sample in told.defer("counts", "appeared")}


def queries_disagreeing(boxes: QuerySet[Box], now: datetime) -> set[UUID]:
    """Whose agreement lies below their accuracy target in the newest sample of their box.

    Of boxes all of whose queries were at their target over the last whole minute, no samples are looked at: a single
    bad second is no matter for a page of the whole fleet.
    """
    sql, parameters = boxes.order_by().values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(_DISAGREEING.format(boxes=sql), [now - MINUTE_AGE_MAX, *parameters])
        return {query_id for (query_id,) in cursor.fetchall()}


# LATERAL: the newest sample of each box is looked up once, and its queries' beside it, in half the time of an IN.
_DISAGREEING = """
WITH newest_minute AS (
    SELECT max(start) AS start FROM telemetry_boxrollup WHERE resolution = 'minute' AND start >= %s
), well AS MATERIALIZED (
    SELECT box_id FROM telemetry_boxrollup
    WHERE resolution = 'minute' AND start = (SELECT start FROM newest_minute) AND judged = kept
)
SELECT query.id FROM (
    SELECT id FROM ({boxes}) AS seen (id) WHERE id NOT IN (SELECT box_id FROM well)
) AS box (id)
CROSS JOIN LATERAL (
    SELECT id FROM telemetry_boxsample WHERE box_id = box.id ORDER BY at DESC LIMIT 1
) AS newest
JOIN telemetry_querysample AS sample ON sample.box_sample_id = newest.id
JOIN workloads_query AS query ON query.id = sample.query_id AND sample.agreement < query.accuracy_target
"""


def bundle_figures(box: Box) -> tuple[BundleFigures, ...]:
    """Figures of the newest VERSIONS_MAX bundle versions that the box ran, oldest version first.

    The first WARM_UP after the box switched to a version does not count: models load for the first time then. Of a
    version that ran longer than SPAN_MAX, its last SPAN_MAX count.
    """
    asked = {"box": box.pk, "most": VERSIONS_MAX, "warm_up": WARM_UP, "longest": SPAN_MAX}
    with connection.cursor() as cursor:
        cursor.execute(_BUNDLE_FIGURES, asked)
        return tuple(_bundle_figures(*row) for row in cursor.fetchall())


# A step from each version to the next lower one in the index: a box has up to 600,000 samples, of a few versions.
_BUNDLE_FIGURES = """
WITH RECURSIVE versions AS (
    (SELECT max(bundle_version) AS version FROM telemetry_boxsample WHERE box_id = %(box)s)
    UNION ALL
    SELECT (SELECT max(bundle_version) FROM telemetry_boxsample WHERE box_id = %(box)s AND bundle_version < version)
    FROM versions WHERE version > 0
), spans AS (
    SELECT version,
        (SELECT min(at) FROM telemetry_boxsample WHERE box_id = %(box)s AND bundle_version = version) AS first,
        (SELECT max(at) FROM telemetry_boxsample WHERE box_id = %(box)s AND bundle_version = version) AS last
    FROM versions WHERE version > 0 LIMIT %(most)s
), counted AS (
    SELECT version, greatest(first + %(warm_up)s, last - %(longest)s) AS since, last FROM spans
)
SELECT version, since, last, observed_s, used::float, private::float, shared::float, frames.*
FROM counted CROSS JOIN LATERAL (
    SELECT sum(interval_s) AS observed_s, avg(memory_budget - memory_free) AS used, avg(memory_private) AS private,
        avg(memory_shared) AS shared
    FROM telemetry_boxsample WHERE box_id = %(box)s AND bundle_version = version AND at >= since
) AS memory CROSS JOIN LATERAL (
    SELECT coalesce(sum(captured), 0), coalesce(sum(processed), 0), coalesce(sum(dropped + late), 0),
        coalesce(sum(swaps), 0), avg(agreement)
    FROM telemetry_boxsample AS box_sample JOIN telemetry_querysample ON box_sample_id = box_sample.id
    WHERE box_id = %(box)s AND box_sample.bundle_version = version AND box_sample.at >= since
) AS frames WHERE observed_s > 0 ORDER BY version
"""


def _bundle_figures(version: int, since: datetime, until: datetime, observed_s: float, *measured: Any) -> BundleFigures:
    used, private, shared, captured, processed, lost, swaps, agreement = measured
    return BundleFigures(
        version=version,
        since=since,
        until=until,
        observed_s=observed_s,
        memory_used=used,
        memory_private=private,
        memory_shared=shared,
        swaps_per_minute=swaps * 60 / observed_s,
        captured=captured,
        processed=processed,
        lost_fraction=lost / captured if captured else None,
        processed_fps=processed / observed_s,
        agreement=agreement,
    )


def fleet_hours(boxes: QuerySet[Box], since: datetime, now: datetime) -> list[FleetHour]:
    """Of these boxes together, the oldest hour first; hours without statistics are left out.

    The hours are named one by one: of a time since when, the database expects twenty times the rows there are.
    """
    hours = _of_boxes(BoxRollup.objects.filter(resolution=Resolution.HOUR, start__in=list(_hours(since, now))), boxes)
    sums = [Sum(name) for name in ("seconds", "captured", "processed", "judged", "kept")]
    return [FleetHour(*row) for row in hours.order_by("start").values_list("start").annotate(*sums)]


def _hours(since: datetime, now: datetime) -> Iterator[datetime]:
    """Those that begin from `since` to `now`."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    while hour >= since:
        yield hour
        hour -= timedelta(hours=1)


def fleet_minute(boxes: QuerySet[Box], now: datetime) -> FleetMinute | None:
    """Of these boxes together, the newest minute that was added up; None where it is longer ago than MINUTE_AGE_MAX."""
    minutes = BoxRollup.objects.filter(resolution=Resolution.MINUTE, start__gte=now - MINUTE_AGE_MAX)
    newest = minutes.order_by("-start").values("start")[:1]
    of_boxes = _of_boxes(minutes.filter(start=Subquery(newest)), boxes)
    found = of_boxes.aggregate(start=Max("start"), captured=Sum("captured"), processed=Sum("processed"))
    return FleetMinute(**found) if found["start"] else None


def _of_boxes(rollups: QuerySet[BoxRollup], boxes: QuerySet[Box]) -> QuerySet[BoxRollup]:
    """All where `boxes` are not narrowed down: to look each one up takes longer than to add them up."""
    return rollups.filter(box__in=boxes.values("id")) if boxes.query.where else rollups


def samples_heard(since: datetime) -> list[BoxSample]:
    """The newest sample of every box that sent one since then."""
    return list(BoxSample.objects.filter(at__gte=since).order_by("box_id", "-at").distinct("box_id"))


def cameras_told(samples: Iterable[BoxSample]) -> dict[str, str]:
    """By camera id: its problem as its box told, "" while it gives pictures."""
    return {
        camera["camera"]: "" if camera["state"] == "running" else camera["problem"] or f"it is {camera['state']}."
        for sample in samples
        for camera in sample.cameras
    }
