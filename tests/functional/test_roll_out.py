"""Journeys over the real server with simulated boxes: approve and roll out in waves; a canary fails, all goes back."""

import struct
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from edge_runtime.protocol.messages import QuerySample
from tests.functional.conftest import FIGURES, HARDWARE
from tests.simulators.box import Box as SimulatedBox
from tests.simulators.product import Product, until
from webapp.accounts.models import Person
from webapp.common.blobs import blob_put
from webapp.fleets.models import Box, Camera
from webapp.fleets.services import box_create, box_enrol, site_create
from webapp.merges.models import MergedGroup, MergedGroupQuery, MergeRun, MergeRunState
from webapp.rollouts.models import BoxReport, Bundle, Rollout
from webapp.workloads.models import CheckState, Model, Query
from webapp.workloads.services import publish_enqueue

HOME, OTHERS = "north gate", ("east gate", "south gate", "west gate")
HEALTH_WINDOW_S = 1.0
pytestmark = pytest.mark.django_db(transaction=True)


class Yard:
    """A site with four boxes that run the same two models, and a merged group found on the first of them."""

    def __init__(self, product: Product, folder: Any) -> None:
        now = timezone.now()
        self.product, self.folder = product, folder
        self.site = site_create(actor=None, name="harbour", now=now)
        self.models = [self._model("cars", 1.0), self._model("trucks", 2.0)]
        self.boxes = {name: self._box(name) for name in (HOME, *OTHERS)}
        self.group = self._group()

    def _model(self, name: str, value: float) -> Model:
        return Model.objects.create(
            site=self.site,
            name=name,
            architecture="squeezenet1_1",
            task="classification",
            classes=["car", "truck"],
            input_height=64,
            input_width=64,
            state=CheckState.READY,
            tensors=_tensors(value),
            created_at=timezone.now(),
        )

    def _box(self, name: str) -> SimulatedBox:
        now = timezone.now()
        _, code = box_create(actor=None, site=self.site, name=name, now=now)
        box, credential = box_enrol(code=code, hardware=HARDWARE, now=now)
        camera = Camera.objects.create(box=box, name="gate", source="/no/film.mp4", source_kind="file", created_at=now)
        for model in self.models:
            values = {"name": f"count {model}", "objects_wanted": ["car"], "accuracy_target": 0.95}
            Query.objects.create(camera=camera, model=model, created_at=now, **values)
        publish_enqueue(box_id=box.id, now=now)
        folder = self.folder / name.replace(" ", "-")
        folder.mkdir()
        return self.product.box(folder, box.id, credential)

    def _group(self) -> MergedGroup:
        now = timezone.now()
        home = Box.objects.get(name=HOME)
        run = MergeRun.objects.create(box=home, state=MergeRunState.SUCCEEDED, created_at=now, ended_at=now)
        group = MergedGroup.objects.create(
            run=run, name="cars + trucks", bytes_before=64, bytes_after=32, created_at=now
        )
        for query in Query.objects.filter(camera__box=home):
            figures = FIGURES | {"tensors": _tensors(3.0)}
            MergedGroupQuery.objects.create(group=group, query=query, model=query.model, name=query.name, **figures)
        return group

    def has_merged(self, name: str) -> bool:
        """What the box's own program runs, whatever the server thinks."""
        running = self.boxes[name].serving.running
        return running is not None and {model.merged_group for model in running.manifest.models} == {str(self.group.id)}

    def merged(self) -> set[str]:
        return {name for name in self.boxes if self.has_merged(name)}

    def is_confirmed(self, name: str, version: int) -> bool:
        return BoxReport.objects.filter(box__name=name, bundle_version=version, is_confirmed=True).exists()

    def is_bad_for(self, name: str) -> None:
        """The merged models see on this box's camera what they were never trained on."""
        serving = self.boxes[name].serving

        def judged(prepared: Any) -> None:
            merged = [model.slot for model in prepared.manifest.models if model.merged_group]
            serving.samples = tuple(
                QuerySample(slot, 10, 10, 0, 0, 20.0, 30.0, 0, 0.0, agreement=0.4, agreement_frames=20)
                for slot in merged
            )

        serving.activated = judged


def _tensors(value: float) -> dict[str, Any]:
    content = struct.pack("<8f", *[value] * 8)
    return {"head.weight": {"digest": blob_put(content), "dtype": "float32", "shape": [8]}}


@pytest.fixture
def yard(transactional_db: None, tmp_path: Any, settings: Any) -> Iterator[Yard]:
    settings.VAR_DIR = tmp_path / "var"
    settings.HEALTH_WINDOW_S = HEALTH_WINDOW_S
    with Product() as product:
        made = Yard(product, tmp_path)
        until(lambda: all(made.is_confirmed(name, 1) for name in made.boxes))
        yield made


@pytest.fixture
def browser(yard: Yard) -> Client:
    client = Client()
    client.force_login(Person.objects.create_superuser("ada", password="a-long-password"))
    return client


def _page(browser: Client, words: Callable[..., str], rollout: Rollout) -> str:
    return words(browser.get(reverse("rollouts:rollout-detail", args=[rollout.id])))


def _roll_out(browser: Client, yard: Yard, canary: str) -> Rollout:
    ids = {box.name: str(box.id) for box in Box.objects.all()}
    entered = {
        "boxes": [ids[name] for name in OTHERS],
        "canary": ids[canary],
        "percentages": "50, 100",
        "success_percent": "100",
        "error_percent": "0",
        "window_zone": "UTC",
    }
    response = browser.post(reverse("rollouts:rollout-start", args=[yard.group.id]), entered)
    rollout = Rollout.objects.get()
    assert response.headers["Location"] == reverse("rollouts:rollout-detail", args=[rollout.id])
    return rollout


def test_approve_and_roll_out_in_waves_and_take_it_all_back(
    browser: Client, yard: Yard, words: Callable[..., str]
) -> None:
    browser.post(reverse("merges:group-decide", args=[yard.group.id]), {"verdict": "approve", "reason": ""})
    until(lambda: yard.merged() == {HOME})
    offer = words(browser.get(reverse("rollouts:group-offer", args=[yard.group.id])))
    assert "3 boxes of this site run the same models without this merge" in offer

    rollout = _roll_out(browser, yard, "south gate")

    order: list[str] = []

    def is_done() -> bool:
        order.extend(sorted(yard.merged() - {HOME, *order}))
        return Rollout.objects.get().state == "finished"

    until(is_done)
    assert order == ["south gate", "east gate", "west gate"]
    page = _page(browser, words, rollout)
    assert "3 of 3 boxes run it." in page
    assert "Canary 1 of 1 box run it: passed." in page
    assert "96 B" in page  # the one tensor of 32 bytes for each of three boxes
    merged = Bundle.objects.filter(is_merged=True)
    assert len({bundle.manifest_digest for bundle in merged}) == len(yard.boxes)
    assert {bundle.size_bytes for bundle in merged} == {32}

    confirm = reverse("rollouts:rollout-confirm", args=[rollout.id, "roll-back"])
    assert "3 boxes go back to what they ran before" in words(browser.get(confirm))
    browser.post(confirm)
    until(lambda: yard.merged() == {HOME})
    assert "3 boxes went back to what they ran before." in _page(browser, words, rollout)


def test_a_canary_fails_and_everything_goes_back(browser: Client, yard: Yard, words: Callable[..., str]) -> None:
    yard.is_bad_for("south gate")
    browser.post(reverse("merges:group-decide", args=[yard.group.id]), {"verdict": "approve", "reason": ""})
    until(lambda: yard.merged() == {HOME})
    rollout = _roll_out(browser, yard, "south gate")

    until(lambda: Rollout.objects.get().state == "paused")
    until(lambda: yard.merged() == {HOME})  # the canary went back to its last good bundle by itself
    page = _page(browser, words, rollout)
    assert "1 of 1 box in wave 1 of 3 failed, none tolerated." in page
    assert "answered like the originals on only 40% of 20 sampled frames" in page
    assert "Waits: the rollout is paused." in page
    assert "is paused" in words(browser.get(reverse("dashboard:overview")))

    confirm = reverse("rollouts:rollout-confirm", args=[rollout.id, "roll-back"])
    assert "1 box goes back to what it ran before" in words(browser.get(confirm))
    browser.post(confirm)

    until(lambda: rollout.boxes.filter(state="rolled back").count() == 1)
    canary = Box.objects.get(name="south gate")
    until(lambda: "is paused" not in words(browser.get(reverse("dashboard:overview"))))
    status = f"/api/v1/bundles/status/{canary.id}/"
    until(lambda: browser.get(status).json()["state"] != "not at target")
    assert yard.merged() == {HOME}
    assert [box.bundles.count() for box in Box.objects.filter(name__in=("east gate", "west gate"))] == [1, 1]
