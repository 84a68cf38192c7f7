"""A big fleet in a database of its own: rows as boxes would have left them, most of them made by the database itself.

Figures are made up; what matters is how many rows there are, and that every page has something to show.
"""

import struct
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from benchmarks.pages.past import alerts, audit, merges, results, rollouts
from benchmarks.pages.statistics import BUDGET, MIB, statistics
from edge_runtime.protocol.enrolment import Hardware
from webapp.accounts.models import Person
from webapp.common.blobs import blob_put
from webapp.fleets.models import Box, Camera, Role, Site, SiteMembership
from webapp.rollouts.models import BoxMeasurement, BoxReport, Bundle, NetworkMeasurement
from webapp.rollouts.services import bundle_publish
from webapp.workloads.models import CheckState, Dataset, DatasetKind, DatasetState, Model, Query

SITES = 10
CAMERAS_PER_BOX = 5
MODELS_PER_SITE = 10
LAYERS = 60
HARDWARE = Hardware("edge", "Linux", 4, 8 * 2**30, "cpu", "Some CPU", "0.1.0")


def seed(boxes: int, now: datetime) -> None:
    """Fills an empty database."""
    person = _timed("people", _people, now)
    _timed("boxes and cameras", _boxes, boxes, now)
    _timed("models and queries", _queries, now)
    _timed("merges", merges, now, person)
    _timed("results", results, now)
    _timed("audit log", audit, person, now)
    _timed("bundles", _bundles, now)
    _timed("reports", _reports, now)
    _timed("rollouts", rollouts, person, now)
    _timed("alerts", alerts, now)
    _timed("statistics", statistics, now)


def _timed(what: str, make: Callable[..., Any], *arguments: Any) -> Any:
    started = time.monotonic()
    made = make(*arguments)
    print(f"  {what}: {time.monotonic() - started:.1f} s", flush=True)
    return made


def _bundles(now: datetime) -> None:
    with transaction.atomic():
        for box in Box.objects.all():
            bundle_publish(box=box, now=now - timedelta(days=2))


def _people(now: datetime) -> Person:
    people = [Person.objects.create_superuser("administrator", password=None)]
    people += [Person.objects.create_user(f"person {number}") for number in range(40)]
    sites = [Site(name=f"site {number:02}", created_at=now) for number in range(SITES)]
    Site.objects.bulk_create(sites)
    SiteMembership.objects.bulk_create(
        SiteMembership(site=site, person=person, role=role)
        for site in sites
        for person, role in zip(people[1:], Role.values * 10, strict=False)
    )
    return people[0]


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
