"""A person at a browser without scripts: Django's test client, signed in, before a small fleet."""

import html
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connections
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from demo.gallery.inspection import launch
from edge_runtime.protocol.enrolment import Hardware
from webapp.accounts.models import Person
from webapp.fleets.models import Box, Camera, Role, Site
from webapp.fleets.services import box_create, box_enrol, box_seen, camera_create, membership_set, site_create
from webapp.merges.models import Disagreement, MergedGroup, MergedGroupQuery, MergedGroupState, MergeRun, MergeRunState
from webapp.rollouts.models import Rollout
from webapp.rollouts.services import rollout_start
from webapp.rollouts.terms import Terms
from webapp.workloads.models import CheckState, Dataset, DatasetKind, DatasetState, Model, Query

HARDWARE = Hardware("edge-1", "Linux", 4, 8 * 2**30, "cpu", "Some CPU", "0.1.0")
MIB = 2**20


@pytest.fixture(autouse=True)
def _own_artifact_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(default_storage, "_location", str(tmp_path / "artifacts"), raising=False)
    for name in ("base_location", "location"):
        default_storage._wrapped.__dict__.pop(name, None)  # kept from the test before


@pytest.fixture
def person(db: None) -> Person:
    return Person.objects.create_superuser("ada", password="a-long-password")


@pytest.fixture
def browser(client: Client, person: Person) -> Client:
    client.force_login(person)
    return client


@pytest.fixture
def words() -> Callable[[HttpResponse], str]:
    """What a page says, without its markup."""

    def of(response: HttpResponse) -> str:
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())

    return of


@dataclass
class Fleet:
    site: Site
    box: Box
    camera: Camera
    model: Model

    def query(self, name: str) -> Query:
        return Query.objects.create(
            camera=self.camera, model=self.model, name=name, objects_wanted=["car"], created_at=timezone.now()
        )

    def dataset(self, frames: int = 200) -> Dataset:
        return Dataset.objects.create(
            camera=self.camera,
            name="morning",
            kind=DatasetKind.FRAMES,
            state=DatasetState.READY,
            frame_count=frames,
            created_at=timezone.now(),
        )

    def merged_group(self, *queries: Query) -> MergedGroup:
        """Waiting for a decision: 12 MiB before, 7 MiB after, the layer "features.0" held once."""
        now = timezone.now()
        run = MergeRun.objects.create(box=self.box, state=MergeRunState.SUCCEEDED, created_at=now, ended_at=now)
        shared = [{"size_bytes": 5 * MIB, "members": {query.name: "features.0" for query in queries}}]
        group = MergedGroup.objects.create(
            run=run,
            name=" + ".join(query.name for query in queries),
            bytes_before=12 * MIB,
            bytes_after=7 * MIB,
            shared_layers=shared,
            created_at=now,
        )
        for query in queries:
            MergedGroupQuery.objects.create(group=group, query=query, model=query.model, name=query.name, **FIGURES)
        return group

    def disagreement(self, member: MergedGroupQuery) -> Disagreement:
        """A frame with a picture, one of 3 of 120."""
        member.compared_frames, member.differing_frames = 120, 3
        member.save()
        answers = ({"label": label, "score": 0.9, "box": None, "is_agreed": False} for label in ("car", "bus"))
        picture = default_storage.save("disagreements/run/1.jpg", ContentFile(b"\xff\xd8\xff\xe0picture"))
        original, merged = ([answer] for answer in answers)
        return Disagreement.objects.create(
            member=member,
            camera=self.camera,
            position=0,
            frame="7.jpg",
            picture=picture,
            width=640,
            height=360,
            privacy="full",
            original=original,
            merged=merged,
        )

    def other_box(self, name: str, *queries: str) -> Box:
        """Another box of the site, heard just now, with queries of the same model."""
        now = timezone.now()
        box, code = box_create(actor=None, site=self.site, name=name, now=now)
        box, _ = box_enrol(code=code, hardware=HARDWARE, now=now)
        camera = camera_create(actor=None, box=box, name="exit", source="rtsp://cam/2", now=now)
        for query in queries:
            Query.objects.create(camera=camera, model=self.model, name=query, objects_wanted=["car"], created_at=now)
        box_seen(box_id=box.id, now=now)
        return box

    def rollout(self, group: MergedGroup, *states: str) -> Rollout:
        """Of an approved group, to one further box per state: the first one is the canary, the others wave 2."""
        MergedGroup.objects.filter(id=group.id).update(state=MergedGroupState.APPROVED)
        names = [member.name for member in group.members.all()]
        states = states or ("waiting",)
        boxes = [self.other_box(f"box {number}", *names) for number, _ in enumerate(states, 1)]
        rollout = rollout_start(
            actor=None, group=group, boxes=boxes, canary=boxes[0], terms=Terms((100,)), now=timezone.now()
        )
        for box, state in zip(boxes, states, strict=True):
            rollout.boxes.filter(box=box).update(state=state, sentence="Cars got worse." if state == "failed" else "")
        return rollout

    def member(self, role: Role) -> Person:
        person = Person.objects.create_user(role.value)
        membership_set(actor=None, site=self.site, person=person, role=role, now=timezone.now())
        return person


FIGURES: dict[str, Any] = {
    "tensors": {},
    "accuracy_target": 0.95,
    "basis": "agreement",
    "original_accuracy": None,
    "merged_accuracy": 0.97,
    "validation_accuracy": 0.973,
    "validation_lower": 0.961,
    "validation_upper": 0.984,
    "test_accuracy": 0.968,
    "test_lower": 0.949,
    "test_upper": 0.981,
}
LAYERS = [
    {"name": "features.0", "kind": "Conv2d", "signature": "a", "parameters": 9, "size_bytes": 5 * MIB, "position": 0},
    {"name": "head", "kind": "Linear", "signature": "b", "parameters": 9, "size_bytes": MIB, "position": 1},
]


@pytest.fixture
def fleet(db: None) -> Fleet:
    now = timezone.now()
    site = site_create(actor=None, name="harbour", now=now)
    box, code = box_create(actor=None, site=site, name="north gate", now=now)
    box, _ = box_enrol(code=code, hardware=HARDWARE, now=now)
    camera = camera_create(actor=None, box=box, name="entry", source="rtsp://user:secret@cam/1", now=now)
    model = Model.objects.create(
        site=site,
        name="vehicles",
        architecture="squeezenet1_1",
        task="classification",
        classes=["car", "truck", "bus"],
        input_height=64,
        input_width=64,
        state=CheckState.READY,
        layers=LAYERS,
        size_bytes=6 * MIB,
        created_at=now - timedelta(minutes=1),
    )
    return Fleet(site, box, camera, model)


@pytest.fixture
def yard_with(transactional_db: None, tmp_path: Path, settings: Any, person: Person) -> Iterator[Callable[..., Any]]:
    """Makes a yard.Yard with further boxes of these names; the product runs as long as the test."""
    from tests.functional.yard import Yard  # which builds on this file
    from tests.simulators.product import Product

    settings.VAR_DIR = tmp_path / "var"
    settings.HEALTH_WINDOW_S = 1.0
    with Product() as product:
        yield lambda *others: Yard(product, tmp_path, others)


@pytest.fixture
def client_of() -> Callable[[Person], Client]:
    """Another browser, in which `person` is signed in."""

    def of(person: Person) -> Client:
        client = Client()
        client.force_login(person)
        return client

    return of


@pytest.fixture
def chromium(fleet: Any, live_server: Any, chromium_path: str) -> Iterator[Any]:
    """It comes after the fleet: while Playwright's own loop runs in this thread, nothing can be published."""
    playwright_api = pytest.importorskip("playwright.sync_api")
    with playwright_api.sync_playwright() as playwright:
        started = launch(playwright, chromium_path)
        yield started
        started.close()
        connections.close_all()  # what is asked while Playwright's loop runs goes over connections of its own
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def session_cookie(browser: Any, live_server: Any) -> Any:
    return {"name": "sessionid", "value": browser.cookies["sessionid"].value, "url": live_server.url}


@pytest.fixture
def open_page(session_cookie: Any, chromium: Any, live_server: Any) -> Iterator[Callable[..., Any]]:
    """Opens an address as the signed-in person, until its scripts have started; every error that they throw fails the
    test."""
    errors: list[str] = []

    def open_at(address: str, width: int = 1440) -> Any:
        context = chromium.new_context(viewport={"width": width, "height": 900})
        context.add_cookies([session_cookie])
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(live_server.url + address)
        page.locator("#palette:not([data-started])").wait_for(state="detached")  # the last of them on every page
        return page

    yield open_at
    assert not errors
