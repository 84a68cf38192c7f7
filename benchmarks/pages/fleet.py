"""A big fleet in a database of its own: rows as boxes would have left them, most of them made by the database itself.

Figures are made up; what matters is how many rows there are, and that every page has something to show.
"""

import struct
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from edge_runtime.protocol.enrolment import Hardware
from webapp.accounts.models import Person
from webapp.audit.models import AuditEvent
from webapp.common.blobs import blob_put
from webapp.fleets.models import Box, Camera, Role, Site, SiteMembership
from webapp.merges.models import MergedGroup, MergedGroupQuery, MergedGroupState, MergeRun, MergeRunState
from webapp.results.models import Event, MinuteCount
from webapp.rollouts.models import BoxMeasurement, BoxReport, Bundle, NetworkMeasurement
from webapp.rollouts.services import bundle_publish
from webapp.telemetry.models import BoxRollup, BoxSample, QueryRollup, QuerySample, Resolution
from webapp.workloads.models import CheckState, Dataset, DatasetKind, DatasetState, Model, Query

MIB = 2**20
SITES = 10
CAMERAS_PER_BOX = 5
MODELS_PER_SITE = 10
LAYERS = 60
BUDGET = 256 * MIB
HARDWARE = Hardware("edge", "Linux", 4, 8 * 2**30, "cpu", "Some CPU", "0.1.0")
MEMORY = {"budget": BUDGET, "private": 90 * MIB, "shared": 60 * MIB, "activations": 30 * MIB, "overhead": 20 * MIB}
FRAMES = {"captured": 5, "processed": 5, "dropped": 0, "late": 0, "latency_p50_ms": 40.0, "latency_p95_ms": 80.0}
SWAPS = {"swaps": 1, "swap_ms": 12.0, "agreement": 0.97}
COUNTED_CAMERAS = 20  # have counts and events of a week


def seed(boxes: int, now: datetime) -> None:
    """Fills an empty database."""
    with transaction.atomic():
        people = _people(now)
        _boxes(boxes, now)
        _queries(now)
        _merges(now, people[0])
        _results(now)
        _audit(people[0], now)
    for box in Box.objects.all():
        bundle_publish(box=box, now=now - timedelta(days=2))
    _reports(now)
    _statistics(now)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _people(now: datetime) -> list[Person]:
    people = [Person.objects.create_superuser("administrator", password=None)]
    people += [Person.objects.create_user(f"person {number}") for number in range(40)]
    sites = [Site(name=f"site {number:02}", created_at=now) for number in range(SITES)]
    Site.objects.bulk_create(sites)
    SiteMembership.objects.bulk_create(
        SiteMembership(site=site, person=person, role=role)
        for site in sites
        for person, role in zip(people[1:], Role.values * 10, strict=False)
    )
    return people


def _boxes(count: int, now: datetime) -> None:
    sites = list(Site.objects.all())
    made = [
        Box(
            site=sites[number % SITES],
            name=f"box {number:04}",
            credential_hash=f"{number:064}",
            enrolled_at=now - timedelta(days=60),
            hardware={"compute_name": HARDWARE.compute_name, "agent_version": "0.1.0"},
            is_connected=number % 20 != 0,
            last_seen_at=now if number % 20 else now - timedelta(hours=3),
            created_at=now - timedelta(days=60),
        )
        for number in range(count)
    ]
    Box.objects.bulk_create(made)
    Camera.objects.bulk_create(
        Camera(
            box=box,
            name=f"camera {number}",
            source=f"rtsp://viewer:secret@10.0.0.{number}/stream",
            source_kind="rtsp",
            probe_answered=1,
            probe_problem="It answers nothing." if number == 4 and box.name.endswith("00") else "",
            width=1920,
            height=1080,
            rate_fps=25.0,
            created_at=now - timedelta(days=60),
        )
        for box in made
        for number in range(CAMERAS_PER_BOX)
    )


def _queries(now: datetime) -> None:
    content = struct.pack("<4f", 1, 2, 3, 4)
    digest = blob_put(content)
    tensors = {f"layer{n}.weight": {"digest": digest, "dtype": "float32", "shape": [4]} for n in range(LAYERS)}
    layers = [
        {
            "name": f"layer{n}",
            "kind": "Conv2d",
            "signature": f"s{n}",
            "parameters": 4,
            "size_bytes": (n + 1) * 2**14,
            "position": n,
        }
        for n in range(LAYERS)
    ]
    models = [
        Model(
            site=site,
            name=f"model {number}",
            architecture="squeezenet1_1",
            task="classification",
            classes=["car", "truck", "bus"],
            input_height=64,
            input_width=64 + 16 * number,
            state=CheckState.READY,
            tensors=tensors,
            layers=layers,
            size_bytes=30 * MIB,
            created_at=now - timedelta(days=60),
        )
        for site in Site.objects.all()
        for number in range(MODELS_PER_SITE)
    ]
    Model.objects.bulk_create(models)
    of_site: dict[Any, list[Model]] = {}
    for model in models:
        of_site.setdefault(model.site_id, []).append(model)
    cameras = list(Camera.objects.select_related("box").order_by("box__name", "name"))
    Query.objects.bulk_create(
        Query(
            camera=camera,
            model=of_site[camera.box.site_id][number % MODELS_PER_SITE],
            name=f"count cars {number}",
            objects_wanted=["car"],
            rate_fps=5.0,
            deadline_ms=500,
            created_at=now - timedelta(days=60),
        )
        for number, camera in enumerate(cameras)
    )
    Dataset.objects.bulk_create(
        Dataset(
            camera=camera,
            name="morning",
            kind=DatasetKind.FRAMES,
            state=DatasetState.READY,
            frame_count=300,
            created_at=now - timedelta(days=9),
        )
        for camera in cameras[::10]
    )


def _merges(now: datetime, person: Person) -> None:
    """A run and a merged group for every tenth box; every tenth of these waits for a decision."""
    accuracy = {"validation_accuracy": 0.973, "validation_lower": 0.961, "validation_upper": 0.984}
    judged = {"accuracy_target": 0.95, "basis": "agreement", "merged_accuracy": 0.97, **accuracy}
    for number, box in enumerate(Box.objects.all()[::10]):
        at = now - timedelta(days=20, minutes=number)
        run = MergeRun.objects.create(
            box=box, state=MergeRunState.SUCCEEDED, requested_by=person, created_at=at, ended_at=at
        )
        queries = list(Query.objects.filter(camera__box=box).select_related("model"))
        members = {query.name: ["layer58", "layer59"] for query in queries}
        group = MergedGroup.objects.create(
            run=run,
            name=" + ".join(members)[:200],
            state=MergedGroupState.WAITING if number % 10 == 0 else MergedGroupState.APPROVED,
            bytes_before=150 * MIB,
            bytes_after=90 * MIB,
            shared_layers=[{"size_bytes": MIB, "members": members}],
            created_at=at,
        )
        MergedGroupQuery.objects.bulk_create(
            MergedGroupQuery(
                group=group, query=query, model=query.model, name=query.name, tensors=query.model.tensors, **judged
            )
            for query in queries
        )


def _results(now: datetime) -> None:
    minute = now.replace(second=0, microsecond=0)
    for query in Query.objects.select_related("camera").order_by("created_at", "id")[:COUNTED_CAMERAS]:
        MinuteCount.objects.bulk_create(
            MinuteCount(
                camera=query.camera,
                query_id=query.id,
                minute=minute - timedelta(minutes=n),
                frames=300,
                appeared={"car": n % 7},
                present={"car": 90.0},
            )
            for n in range(7 * 24 * 60)
        )
        Event.objects.bulk_create(
            Event(
                id=AuditEvent._meta.pk.get_default(),
                camera=query.camera,
                query=query,
                query_name=query.name,
                kind="changed",
                label="car",
                at=now - timedelta(minutes=5 * n),
                score=0.9,
                recorded_at=now,
            )
            for n in range(1000)
        )


def _audit(person: Person, now: datetime) -> None:
    boxes = list(Box.objects.all())
    AuditEvent.objects.bulk_create(
        (
            AuditEvent(
                at=now - timedelta(minutes=n),
                actor=person,
                action="box.update",
                subject_type="box",
                subject_id=(box := boxes[n % len(boxes)]).id,
                subject_name=box.name,
                site_id=box.site_id,
            )
            for n in range(50 * len(boxes))
        ),
        batch_size=5000,
    )


def _reports(now: datetime) -> None:
    running = {bundle.box_id: bundle for bundle in Bundle.objects.defer("manifest")}
    BoxReport.objects.bulk_create(
        BoxReport(
            box_id=box_id,
            state="running",
            manifest_digest=bundle.manifest_digest,
            bundle_version=bundle.version,
            reported_at=now,
        )
        for box_id, bundle in running.items()
    )
    measurements = [
        BoxMeasurement(
            box=box,
            hardware="Some CPU",
            policy="layerwise",
            budget_bytes=BUDGET,
            overhead_bytes=20 * MIB,
            load_bytes_per_s=1e9,
            measured_at=now,
        )
        for box in Box.objects.all()
    ]
    BoxMeasurement.objects.bulk_create(measurements)
    NetworkMeasurement.objects.bulk_create(
        NetworkMeasurement(
            measurement=measurement,
            architecture="squeezenet1_1",
            input_height=64,
            input_width=64 + 16 * number,
            class_count=3,
            batches=[[1, 8.0, MIB, False], [4, 24.0, 4 * MIB, False]],
            measured_at=now,
        )
        for measurement in measurements
        for number in range(MODELS_PER_SITE)
    )


def _statistics(now: datetime) -> None:
    """Rows of ten minutes, minutes of a day and hours of a month, for every box and every query."""
    free = BUDGET - sum(size for band, size in MEMORY.items() if band != "budget")
    memory = {f"memory_{band}": size for band, size in MEMORY.items()} | {"memory_free": free}
    every_second = "generate_series(1, 600) AS n"
    at = f"TIMESTAMPTZ '{now.isoformat()}' - n * INTERVAL '1 second'"
    sample = {"interval_s": 1.0, "bundle_version": 1, **memory, "memory_rss": 300 * MIB, "cpu_percent": 80.0}
    made = {"boot_id": "'boot'", "seq": "601 - n", "at": at, "cameras": "'[]'::jsonb", "box_id": "box.id"}
    _insert(BoxSample, f"{Box._meta.db_table} AS box, {every_second}", made, sample)
    of_boxes = f"{Query._meta.db_table} AS query JOIN {Camera._meta.db_table} AS camera ON query.camera_id = camera.id"
    samples = f"{of_boxes} JOIN {BoxSample._meta.db_table} AS sample ON sample.box_id = camera.box_id"
    made = {"query_id": "query.id", "box_sample_id": "sample.id", "at": "sample.at"}
    made |= {"counts": "'{}'::jsonb", "appeared": "'{}'::jsonb"}
    _insert(QuerySample, samples, made, {"bundle_version": 1, **FRAMES, **SWAPS, "agreement_frames": 1})
    for resolution, count in ((Resolution.MINUTE, 24 * 60), (Resolution.HOUR, 30 * 24)):
        unit = resolution.value
        start = f"date_trunc('{unit}', TIMESTAMPTZ '{now.isoformat()}') - n * INTERVAL '1 {unit}'"
        series, seconds = f"generate_series(1, {count}) AS n", 60.0 if resolution is Resolution.MINUTE else 3600.0
        made = {"box_id": "box.id", "start": start, "resolution": f"'{unit}'"}
        used = {"memory_used_max": BUDGET - free, "cpu_percent": 80.0, "seconds": seconds}
        _insert(BoxRollup, f"{Box._meta.db_table} AS box, {series}", made, memory | used)
        made = made | {"box_id": "camera.box_id", "query_id": "query.id"}
        _insert(QueryRollup, f"{of_boxes}, {series}", made, FRAMES | SWAPS)


def _insert(table: Any, source: str, made: dict[str, str], constant: dict[str, float]) -> None:
    """`made`: column -> SQL; `constant`: column -> number."""
    columns = {**made, **{name: repr(value) for name, value in constant.items()}}
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table._meta.db_table} ({', '.join(columns)}) SELECT {', '.join(columns.values())} "
            f"FROM {source}"
        )
