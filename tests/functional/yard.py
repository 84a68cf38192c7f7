"""A site with simulated boxes that run the same two models over the real server: what several journeys start from."""

import struct
from collections.abc import Callable, Iterable
from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from edge_runtime.protocol.messages import QuerySample
from tests.functional.conftest import FIGURES, HARDWARE
from tests.simulators.box import Box as SimulatedBox
from tests.simulators.product import Product, until
from webapp.common.blobs import blob_put
from webapp.fleets.models import Box, Camera
from webapp.fleets.services import box_create, box_enrol, site_create
from webapp.merges.models import MergedGroup, MergedGroupQuery, MergeRun, MergeRunState
from webapp.rollouts.models import BoxReport, Rollout
from webapp.workloads.models import CheckState, Model, Query
from webapp.workloads.services import publish_enqueue

HOME = "north gate"


class Yard:
    """Every box runs its first bundle; on HOME a merged group was found. `others`: names of further boxes."""

    def __init__(self, product: Product, folder: Any, others: Iterable[str]) -> None:
        now = timezone.now()
        self.product, self.folder = product, folder
        self.site = site_create(actor=None, name="harbour", now=now)
        self.models = [self._model("cars", 1.0), self._model("trucks", 2.0)]
        self.boxes = {name: self._box(name) for name in (HOME, *others)}
        self.group = self._group()
        until(lambda: all(self.is_confirmed(name, 1) for name in self.boxes))

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
            tensors=tensors_of(value),
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
            figures = FIGURES | {"tensors": tensors_of(3.0)}
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


def tensors_of(value: float) -> dict[str, Any]:
    content = struct.pack("<8f", *[value] * 8)
    return {"head.weight": {"digest": blob_put(content), "dtype": "float32", "shape": [8]}}


def roll_out(browser: Client, yard: Yard, canary: str) -> Rollout:
    """As a person does: to all other boxes, first to the canary, then to half of the others, then to the rest."""
    ids = {box.name: str(box.id) for box in Box.objects.all()}
    entered = {
        "boxes": [ids[name] for name in yard.boxes if name != HOME],
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


def rollout_page(browser: Client, words: Callable[..., str], rollout: Rollout) -> str:
    return words(browser.get(reverse("rollouts:rollout-detail", args=[rollout.id])))
