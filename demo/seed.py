"""Fills a new installation: first `python -m demo.seed fleet URL`, then `python -m demo.seed workload`.

Everything goes the way a person's work would: the web application's services, the upload check in a worker, and
`gemel-edge enrol` with a join code. Each step is left out where it was done before, so a killed first start goes on.
The administrator's password comes in GEMEL_DEMO_PASSWORD.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.core.files.base import File  # noqa: E402
from django.utils import timezone  # noqa: E402

from demo.content import FOLDER, Original, load_content  # noqa: E402
from demo.content import Camera as CameraEntry  # noqa: E402
from demo.password import ADMINISTRATOR  # noqa: E402
from demo.people import administrator_set  # noqa: E402
from demo.processes import ROOT, box_dir  # noqa: E402
from demo.seeding import DEMO_BOXES  # noqa: E402
from edge_runtime.protocol.errors import GemelError  # noqa: E402
from webapp.accounts.models import Person  # noqa: E402
from webapp.fleets.models import Box, Camera, Site  # noqa: E402
from webapp.fleets.services import box_create, camera_create, join_code_create, site_create  # noqa: E402
from webapp.merges.models import MergeRun  # noqa: E402
from webapp.workloads.models import CheckState, Model, Query  # noqa: E402
from webapp.workloads.services import model_register, query_create  # noqa: E402

SITE = "Harbour city"
CHECK_TIMEOUT_S = 180.0


class SeedError(GemelError):
    code = "demo_seed"


def seed_fleet(url: str) -> None:
    """Administrator, site, boxes, cameras; the models' checks are under way. Then the boxes can start."""
    content = load_content()
    must_change = "GEMEL_DEMO_PASSWORD_KEPT" not in os.environ
    actor = administrator_set(ADMINISTRATOR, os.environ["GEMEL_DEMO_PASSWORD"], must_change)
    site = Site.objects.filter(name=SITE).first() or site_create(actor=actor, name=SITE, now=timezone.now())
    for original in content.models:
        _model(actor, site, original)
    boxes = {spec.name: _box(actor, site, spec.name) for spec in DEMO_BOXES}
    _enrol(actor, list(boxes.values()), url)
    for entry in content.cameras:
        _camera(actor, boxes[entry.box], entry)


def seed_workload() -> None:
    """Each query as soon as its model is checked, and the merges that were computed beforehand."""
    actor = Person.objects.get(username=ADMINISTRATOR)
    for entry in load_content().queries:
        camera = Camera.objects.select_related("box__site").get(box__site__name=SITE, name=entry.camera)
        model = _checked(Model.objects.get(site=camera.box.site, name=entry.model))
        if not Query.objects.filter(camera=camera, name=entry.name).exists():
            query_create(
                actor=actor,
                camera=camera,
                model=model,
                name=entry.name,
                objects=entry.objects,
                accuracy_target=entry.accuracy_target,
                rate_fps=entry.rate_fps,
                deadline_ms=entry.deadline_ms,
                now=timezone.now(),
            )
    for spec in DEMO_BOXES:
        _ready_merge(Box.objects.get(site__name=SITE, name=spec.name))


def _model(actor: Any, site: Site, entry: Original) -> Model:
    known = Model.objects.filter(site=site, name=entry.name).first()
    if known is not None:
        return known
    if not entry.weights.exists():
        raise SeedError(f"The weights {entry.weights.name} are missing. Train them with: python -m demo.originals")
    with entry.weights.open("rb") as weights:
        return model_register(
            actor=actor,
            site=site,
            name=entry.name,
            architecture=entry.architecture,
            classes=entry.classes,
            input_size=entry.input_size,
            weights=File(weights),
            now=timezone.now(),
        )


def _box(actor: Any, site: Site, name: str) -> Box:
    known = Box.objects.filter(site=site, name=name).first()
    return known or box_create(actor=actor, site=site, name=name, now=timezone.now())[0]


def _enrol(actor: Any, boxes: list[Box], url: str) -> None:
    """As on a real box, with the box's own command; all at once, because each takes seconds to start."""
    started = []
    for box in boxes:
        state_dir = box_dir(Path(settings.VAR_DIR), box.name)
        if box.enrolled_at is not None and (state_dir / "identity.json").exists():
            continue
        code = join_code_create(actor=actor, box=box, now=timezone.now())
        command = [sys.executable, "-m", "edge_runtime", "enrol", "--server", url, "--code", code]
        started.append(subprocess.Popen([*command, "--state-dir", str(state_dir)], cwd=ROOT, stdin=subprocess.DEVNULL))
    codes = [process.wait() for process in started]  # of all, before any is judged
    if any(codes):
        raise SeedError("A box of the demo could not be enrolled; its own words are above.")


def _camera(actor: Any, box: Box, entry: CameraEntry) -> Camera:
    known = Camera.objects.filter(box=box, name=entry.name).first()
    return known or camera_create(actor=actor, box=box, name=entry.name, source=entry.source, now=timezone.now())


def _checked(model: Model) -> Model:
    """Waits for the worker that loads the model and runs a picture through it."""
    deadline = time.monotonic() + CHECK_TIMEOUT_S
    while model.state == CheckState.CHECKING:
        if time.monotonic() > deadline:
            raise SeedError(f"The model {model} was not checked in time; var/log/worker-light.log may say why.")
        time.sleep(0.2)
        model.refresh_from_db()
    if model.state == CheckState.REJECTED:
        raise SeedError(f"The model {model} was rejected: {model.problem}")
    return model


def _ready_merge(box: Box) -> None:
    """The merge that was computed beforehand waits for approval, like one that just ended."""
    folder = FOLDER / "merges" / box.name
    if (folder / "result.json").exists() and not MergeRun.objects.filter(box=box).exists():
        from demo.shipped_merges import unpack  # torch comes with these two
        from workers.tasks.merge_results import merge_result_import

        with tempfile.TemporaryDirectory() as run:
            merge_result_import(box=box, result_dir=unpack(folder, Path(run)), now=timezone.now())


if __name__ == "__main__":
    try:
        if sys.argv[1] == "fleet":
            seed_fleet(sys.argv[2])
        else:
            seed_workload()
    except GemelError as error:
        sys.exit(str(error))
