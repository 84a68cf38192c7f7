"""Frames of the demo's cameras with exact truth, as their boxes send them in ten minutes: `python -m demo.frames`.

A box takes real time for this, and the demo's first merge should not have to wait. The frames are of another hour than
the one that the boxes show.
"""

import os
import time

import django

django.setup()

from django.db import transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from demo.content import load_content  # noqa: E402
from demo.seed import SITE  # noqa: E402
from edge_runtime.agent.pictures import DATASET_QUALITY, jpeg  # noqa: E402
from edge_runtime.protocol.messages import FrameIndex, FrameLabel  # noqa: E402
from edge_runtime.scenes import Scene, parse_scene  # noqa: E402
from webapp.fleets.models import Camera  # noqa: E402
from webapp.workloads.models import Dataset  # noqa: E402
from webapp.workloads.services import dataset_complete, dataset_frames_add, dataset_request  # noqa: E402

FRAMES = 500
SPACING_S = 1.2
BATCH = 50  # as much as a box sends at a time, or less
OTHER_HOUR_S = 36_000
NAME = "Ten minutes of another hour"


def collect() -> None:
    entries = load_content().cameras
    # The box whose merge is not computed yet comes first.
    for entry in sorted(entries, key=lambda entry: entry.box):
        camera = Camera.objects.select_related("box__site").get(box__site__name=SITE, name=entry.name)
        if not Dataset.objects.filter(camera=camera).exists():
            _collect(camera)


def _collect(camera: Camera) -> None:
    """Renders first, then records in one short transaction: the box never sees the request, answered in its place.

    The request locks the box's row, which the web application writes to with every message from the box.
    """
    scene = Scene(parse_scene(camera.source))
    started_at = time.time() - FRAMES * SPACING_S
    frames = [_frame(scene, order, started_at) for order in range(FRAMES)]
    now = timezone.now()
    with transaction.atomic():
        dataset = dataset_request(
            actor=None, camera=camera, name=NAME, frames=FRAMES, span_s=FRAMES * SPACING_S, now=now
        )
        for batch in (frames[first : first + BATCH] for first in range(0, FRAMES, BATCH)):
            index = FrameIndex(frames=tuple(label for label, _ in batch), source="scene")
            files = {label.file: picture for label, picture in batch}
            dataset_frames_add(dataset=dataset, index=index, files=files, now=now)
        dataset_complete(dataset=dataset, now=now)


def _frame(scene: Scene, order: int, started_at: float) -> tuple[FrameLabel, bytes]:
    frame = scene.render(round((OTHER_HOUR_S + order * SPACING_S) * scene.rate_fps))
    at = started_at + order * SPACING_S
    label = FrameLabel(file=f"{round(at * 1000)}.jpg", at=at, objects=frame.objects, tags=frame.tags)
    return label, jpeg(frame.image, quality=DATASET_QUALITY)


if __name__ == "__main__":
    os.nice(10)  # the boxes show live pictures meanwhile
    collect()
