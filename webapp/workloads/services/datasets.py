"""Data sets: requested from a box, which sends frames in batches, or uploaded as a labelled archive."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils.translation import gettext

from edge_runtime.protocol.manifest import sha256_hex
from edge_runtime.protocol.messages import FrameIndex, FrameLabel
from edge_runtime.protocol.target import Privacy
from webapp.audit.services import audit_record
from webapp.common.errors import Conflict, InvalidInput
from webapp.common.folders import folder_delete, folder_list
from webapp.common.names import checked_name
from webapp.common.uploads import upload_discard, upload_store
from webapp.fleets.models import Camera, Role
from webapp.fleets.policies import require_role
from webapp.fleets.services import box_target_changed
from webapp.jobs.services import job_enqueue
from webapp.realtime.topics import site_changed
from webapp.workloads.models import Dataset, DatasetKind, DatasetState
from webapp.workloads.task_names import DATASET_IMPORT, LIGHT_QUEUE

FRAMES = (10, 5000)
SPAN_S = (1.0, 7 * 86400.0)
FRAME_MAX_BYTES = 4 * 2**20
BATCH_MAX = 100
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}\.jpg")


@transaction.atomic
def dataset_request(
    *, actor: Any | None, camera: Camera, name: str, frames: int, span_s: float, now: datetime
) -> Dataset:
    """Asks the camera's box for `frames` frames spread over `span_s` seconds."""
    require_role(actor, camera.box.site, Role.OPERATOR)
    if camera.privacy == Privacy.OFF:
        raise InvalidInput(
            gettext(
                "The privacy setting of %(camera)s keeps all pictures on its box, so no frames can be collected. "
                "Change the setting, or upload a labelled archive."
            )
            % {"camera": camera}
        )
    if not FRAMES[0] <= frames <= FRAMES[1]:
        raise InvalidInput(
            gettext("Ask for %(low)s to %(high)s frames.") % {"low": FRAMES[0], "high": FRAMES[1]}, field="frames"
        )
    if not SPAN_S[0] <= span_s <= SPAN_S[1]:
        raise InvalidInput(gettext("The time span lies between one second and seven days."), field="span_s")
    dataset = Dataset(
        kind=DatasetKind.FRAMES,
        state=DatasetState.COLLECTING,
        frames_wanted=frames,
        span_s=span_s,
        privacy=camera.privacy,
    )
    _create(dataset, actor, camera, name, now)
    box_target_changed(box_id=camera.box_id)
    return dataset


@transaction.atomic
def dataset_upload(*, actor: Any | None, camera: Camera, name: str, kind: str, archive: File, now: datetime) -> Dataset:
    """A labelled zip (COCO or image folders), which a worker checks and unpacks next."""
    require_role(actor, camera.box.site, Role.OPERATOR)
    if kind not in (DatasetKind.COCO, DatasetKind.IMAGEFOLDER):
        raise InvalidInput(gettext("An archive holds either a COCO data set or image folders."), field="kind")
    dataset = Dataset(kind=DatasetKind(kind), state=DatasetState.CHECKING)
    _create(dataset, actor, camera, name, now)
    dataset.upload = upload_store(archive, field="archive")
    dataset.save(update_fields=["upload"])
    job_enqueue(task=DATASET_IMPORT, queue=LIGHT_QUEUE, subject=dataset.id, now=now)
    return dataset


@transaction.atomic
def dataset_frames_add(*, dataset: Dataset, index: FrameIndex, files: Mapping[str, bytes], now: datetime) -> None:
    """One batch from the box. The same batch sent again changes nothing, so the box may retry.

    Once there are as many frames as were asked for, no more are kept.
    """
    dataset = Dataset.objects.select_for_update().select_related("camera__box").get(id=dataset.id)
    if dataset.state != DatasetState.COLLECTING:
        raise Conflict(gettext("This data set takes no more frames."))
    if dataset.camera.privacy == Privacy.OFF:
        raise Conflict(gettext("The privacy setting of this camera allows no frames to be sent."))
    _check_batch(index, files)
    if dataset.frame_count >= dataset.frames_wanted:
        return  # a box that was started anew collects anew; one that goes on for ever fills no disk
    for name, content in files.items():
        path = f"{dataset.folder}/{name}"
        if not default_storage.exists(path):
            default_storage.save(path, ContentFile(content))
    part = msgspec.json.encode(index)
    path = f"{dataset.folder}/parts/{sha256_hex(part)[:32]}.json"
    if not default_storage.exists(path):
        default_storage.save(path, ContentFile(part))
    dataset.frame_count = sum(name.endswith(".jpg") for name in folder_list(dataset.folder)[1])
    if dataset.camera.privacy == Privacy.FULL:  # it was another when the frames were asked for
        dataset.privacy = Privacy.FULL.value
    dataset.save(update_fields=["frame_count", "privacy"])
    site_changed(dataset.camera.box.site_id, "dataset", dataset.id)


@transaction.atomic
def dataset_complete(*, dataset: Dataset, problem: str = "", now: datetime) -> None:
    """The box sent all it will. Without a single frame the data set is rejected with the box's sentence."""
    dataset = Dataset.objects.select_for_update().select_related("camera__box").get(id=dataset.id)
    if dataset.state != DatasetState.COLLECTING:
        return
    index = _joined_parts(dataset)
    dataset.frame_count = len(index.frames)
    dataset.labelled_count = sum(frame.objects is not None or frame.tags is not None for frame in index.frames)
    dataset.state = DatasetState.READY if index.frames else DatasetState.REJECTED
    dataset.problem = problem[:500] or ("" if index.frames else "The box sent no frames.")
    path = f"{dataset.folder}/frames.json"
    default_storage.delete(path)
    default_storage.save(path, ContentFile(msgspec.json.encode(index)))
    _finish(dataset, now)
    box_target_changed(box_id=dataset.camera.box_id)


@transaction.atomic
def dataset_import_record(
    *, dataset: Dataset, frame_count: int = 0, labelled_count: int = 0, problem: str = "", now: datetime
) -> None:
    """What the worker found in an uploaded archive, now unpacked in the data set's folder, or why it is rejected."""
    dataset.state = DatasetState.REJECTED if problem else DatasetState.READY
    dataset.problem, dataset.frame_count, dataset.labelled_count = problem, frame_count, labelled_count
    upload_discard(dataset.upload)
    dataset.upload = ""
    _finish(dataset, now)


@transaction.atomic
def dataset_delete(*, actor: Any | None, dataset: Dataset, now: datetime) -> None:
    """Removes the data set and its pictures."""
    box = dataset.camera.box
    require_role(actor, box.site, Role.OPERATOR)
    audit_record(actor=actor, action="dataset.delete", subject=dataset, site_id=box.site_id, now=now)
    upload_discard(dataset.upload)
    folder = dataset.folder
    transaction.on_commit(lambda: folder_delete(folder))
    site_changed(box.site_id, "dataset", dataset.id)
    dataset.delete()
    box_target_changed(box_id=box.id)


def _create(dataset: Dataset, actor: Any | None, camera: Camera, name: str, now: datetime) -> None:
    dataset.camera, dataset.name, dataset.created_at = camera, checked_name(name), now
    dataset.folder = f"datasets/{dataset.id}"
    dataset.save()
    site_id = camera.box.site_id
    detail = {"camera": camera.name, "kind": DatasetKind(dataset.kind).value, "frames_wanted": dataset.frames_wanted}
    audit_record(actor=actor, action="dataset.create", subject=dataset, site_id=site_id, now=now, detail=detail)
    site_changed(site_id, "dataset", dataset.id)


def _finish(dataset: Dataset, now: datetime) -> None:
    dataset.save(update_fields=["state", "problem", "frame_count", "labelled_count", "upload"])
    site_id = dataset.camera.box.site_id
    detail = {"state": DatasetState(dataset.state).value, "frames": dataset.frame_count, "problem": dataset.problem}
    audit_record(actor=None, action="dataset.ready", subject=dataset, site_id=site_id, now=now, detail=detail)
    site_changed(site_id, "dataset", dataset.id)


def _check_batch(index: FrameIndex, files: Mapping[str, bytes]) -> None:
    if len(files) > BATCH_MAX:
        raise InvalidInput(gettext("A batch holds at most %(frames)s frames.") % {"frames": BATCH_MAX}, field="files")
    named = {frame.file for frame in index.frames}
    if named != set(files) or len(named) != len(index.frames):
        raise InvalidInput(
            gettext("The index of this batch does not name exactly the pictures sent with it."), field="index"
        )
    for name, content in files.items():
        if not _FILE_NAME.fullmatch(name):
            raise InvalidInput(gettext("%(name)s is no name for a frame.") % {"name": name}, field="files")
        if not content.startswith(b"\xff\xd8") or len(content) > FRAME_MAX_BYTES:
            raise InvalidInput(gettext("%(name)s is no JPEG picture of at most 4 MiB.") % {"name": name}, field="files")


def _joined_parts(dataset: Dataset) -> FrameIndex:
    """All batches as one index in order of time, each frame once."""
    frames: dict[str, FrameLabel] = {}
    source = ""
    folder = f"{dataset.folder}/parts"
    for name in folder_list(folder)[1]:
        with default_storage.open(f"{folder}/{name}") as file:
            part = msgspec.json.decode(file.read(), type=FrameIndex)
        frames.update({frame.file: frame for frame in part.frames})
        source = source or part.source
    return FrameIndex(frames=tuple(sorted(frames.values(), key=lambda frame: frame.at)), source=source)
