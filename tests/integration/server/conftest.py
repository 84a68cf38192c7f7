"""A small fleet in a real database: a site, its people, a box, a camera. Files lie in a folder of its own."""

import hashlib
import io
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from edge_runtime.protocol.enrolment import Hardware
from webapp.accounts.models import Person
from webapp.common.blobs import blob_put
from webapp.fleets.models import Box, Camera, Role, Site
from webapp.fleets.services import box_create, box_enrol, camera_create, membership_set, site_create
from webapp.workloads.models import CheckState, Dataset, DatasetKind, DatasetState, Model, Query
from webapp.workloads.services import query_create

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
HARDWARE = Hardware("edge-1", "Linux", 4, 8 * 2**30, "cpu", "Some CPU", "0.1.0")
CLASSES = ["car", "truck", "bus"]


@pytest.fixture(autouse=True)
def _own_artifact_store(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.VAR_DIR = tmp_path / "var"
    monkeypatch.setenv("GEMEL_SIGNING_KEY", hashlib.sha256(b"only for tests").hexdigest())
    monkeypatch.setattr(default_storage, "_location", str(tmp_path / "artifacts"), raising=False)
    for name in ("base_location", "location"):
        default_storage._wrapped.__dict__.pop(name, None)  # kept from the test before


@dataclass
class Fleet:
    """What most tests start from, and how they make more of it."""

    site: Site
    box: Box
    credential: str
    camera: Camera
    people: dict[Role, Person]

    def model(self, name: str = "cars", weights: bytes = b"", site: Site | None = None) -> Model:
        """A ready model of one tensor of four numbers."""
        content = weights or struct.pack("<4f", 1, 2, 3, 4)
        tensors = {"head.weight": {"digest": blob_put(content), "dtype": "float32", "shape": [len(content) // 4]}}
        return Model.objects.create(
            site=site or self.site,
            name=name,
            architecture="squeezenet1_1",
            task="classification",
            classes=CLASSES,
            input_height=32,
            input_width=32,
            state=CheckState.READY,
            tensors=tensors,
            size_bytes=len(content),
            created_at=NOW,
        )

    def query(self, name: str = "count cars", model: Model | None = None, **changes: Any) -> Query:
        values = {"objects": ["car"], "accuracy_target": 0.9, "rate_fps": 5.0, "deadline_ms": 500} | changes
        return query_create(
            actor=None, camera=self.camera, model=model or self.model(f"model of {name}"), name=name, now=NOW, **values
        )

    def dataset(self, frames: int = 200, camera: Camera | None = None) -> Dataset:
        dataset = Dataset.objects.create(
            camera=camera or self.camera,
            name="frames",
            kind=DatasetKind.FRAMES,
            state=DatasetState.READY,
            frame_count=frames,
            created_at=NOW,
        )
        dataset.folder = f"datasets/{dataset.id}"
        dataset.save()
        default_storage.save(f"{dataset.folder}/frames.json", ContentFile(b'{"frames": []}'))
        return dataset


@pytest.fixture
def make_fleet() -> Callable[[str], Fleet]:
    def make(name: str) -> Fleet:
        site = site_create(actor=None, name=name, now=NOW)
        people = {}
        for role in Role:
            people[role] = Person.objects.create_user(f"{role.value} of {name}".replace(" ", "-"))
            membership_set(actor=None, site=site, person=people[role], role=role, now=NOW)
        _, code = box_create(actor=None, site=site, name=f"box of {name}", now=timezone.now())
        box, credential = box_enrol(code=code, hardware=HARDWARE, now=timezone.now())
        camera = camera_create(actor=None, box=box, name="gate", source="rtsp://user:secret@cam/1", now=NOW)
        return Fleet(site, box, credential, camera, people)

    return make


@pytest.fixture
def fleet(db: None, make_fleet: Callable[[str], Fleet]) -> Fleet:
    return make_fleet("harbour")


@pytest.fixture
def jpeg() -> bytes:
    return b"\xff\xd8\xff\xe0" + b"picture" * 10


def uploaded(content: bytes) -> ContentFile:
    return ContentFile(io.BytesIO(content).getvalue(), name="upload")


@pytest.fixture
def upload() -> Callable[[bytes], ContentFile]:
    return uploaded
