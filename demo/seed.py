"""Fills a new installation: `python -m demo.seed URL`, with the administrator's password in GEMEL_DEMO_PASSWORD.

Everything goes the way a person's work would: the web application's services, the upload check in a worker, and
`gemel-edge enrol` with a join code. Each step is left out where it was done before, so a killed first start goes on.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.core.files.base import File  # noqa: E402
from django.utils import timezone  # noqa: E402

from demo.catalogue import Catalogue, catalogue_read, merge_folder  # noqa: E402
from demo.password import ADMINISTRATOR  # noqa: E402
from demo.people import administrator_set  # noqa: E402
from demo.processes import ROOT, box_dir  # noqa: E402
from demo.seeding import DEMO_BOXES  # noqa: E402
from edge_runtime.protocol.errors import GemelError  # noqa: E402
from webapp.fleets.models import Box, Camera, Site  # noqa: E402
from webapp.fleets.services import box_create, camera_create, join_code_create, site_create  # noqa: E402
from webapp.merges.models import MergedGroup  # noqa: E402
from webapp.workloads.models import CheckState, Model, Query  # noqa: E402
from webapp.workloads.services import model_register, query_create  # noqa: E402

SITE = "Harbour city"
CHECK_TIMEOUT_S = 180.0


class SeedError(GemelError):
    code = "demo_seed"


def seed(url: str) -> None:
    catalogue = catalogue_read()
    one_time = os.environ["GEMEL_DEMO_PASSWORD"]
    actor = administrator_set(ADMINISTRATOR, one_time, must_change="GEMEL_DEMO_PASSWORD_KEPT" not in os.environ)
    site = Site.objects.filter(name=SITE).first() or site_create(actor=actor, name=SITE, now=timezone.now())
    models = [_model(actor, site, entry) for entry in catalogue.models]
    boxes = {spec.name: _box(actor, site, spec.name) for spec in DEMO_BOXES}
    _enrol(actor, list(boxes.values()), url)
    cameras = {entry.name: _camera(actor, boxes[entry.box], entry) for entry in catalogue.cameras}
    _wait_for_checks(models)
    _queries(actor, catalogue, cameras)
    for box in boxes.values():
        if merge_folder(box.name).exists() and not MergedGroup.objects.filter(run__box=box).exists():
            from demo.ready_merge import merge_import  # brings the worker's side of things with it

            merge_import(box, merge_folder(box.name))


def _model(actor: Any, site: Site, entry: Any) -> Model:
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


def _camera(actor: Any, box: Box, entry: Any) -> Camera:
    known = Camera.objects.filter(box=box, name=entry.name).first()
    return known or camera_create(actor=actor, box=box, name=entry.name, source=entry.source, now=timezone.now())


def _wait_for_checks(models: list[Model]) -> None:
    """A worker loads every model and runs a picture through it before it can be used."""
    deadline = time.monotonic() + CHECK_TIMEOUT_S
    while True:
        found = Model.objects.filter(id__in=[model.id for model in models])
        rejected = found.filter(state=CheckState.REJECTED).first()
        if rejected is not None:
            raise SeedError(f"The model {rejected.name} was rejected: {rejected.problem}")
        if not found.filter(state=CheckState.CHECKING).exists():
            return
        if time.monotonic() > deadline:
            raise SeedError("The models were not checked in time; var/log/worker-light.log may say why.")
        time.sleep(0.2)


def _queries(actor: Any, catalogue: Catalogue, cameras: dict[str, Camera]) -> None:
    for entry in catalogue.queries:
        camera = cameras[entry.camera]
        if not Query.objects.filter(camera=camera, name=entry.name).exists():
            query_create(
                actor=actor,
                camera=camera,
                model=Model.objects.get(site=camera.box.site, name=entry.model),
                name=entry.name,
                objects=entry.objects,
                accuracy_target=entry.accuracy_target,
                rate_fps=entry.rate_fps,
                deadline_ms=entry.deadline_ms,
                now=timezone.now(),
            )


if __name__ == "__main__":
    try:
        seed(sys.argv[1])
    except GemelError as error:
        sys.exit(str(error))
