"""Frames on which merged and original model disagree: kept with their pictures as the camera's privacy lets them be."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from webapp.common.folders import folder_delete, folder_list
from webapp.merges.models import Disagreement, MergedGroupQuery, MergedGroupState, MergeRun
from webapp.merges.privacy import may_show_picture
from webapp.workloads.models import Dataset

logger = logging.getLogger(__name__)

FOLDER = "disagreements"
KEPT = timedelta(days=30)  # after the end of the run, once its group neither waits nor runs
_OPEN = (MergedGroupState.WAITING, MergedGroupState.APPROVED)


@dataclass(frozen=True)
class DisagreementFound:
    """As Disagreement, with the picture's bytes, none where it could not be read."""

    frame: str
    taken_at: datetime | None
    picture: bytes
    size: tuple[int, int]
    original: list[dict[str, Any]]
    merged: list[dict[str, Any]]
    truth: list[dict[str, Any]] | None


def disagreements_record(
    *, member: MergedGroupQuery, dataset: Dataset | None, found: Sequence[DisagreementFound]
) -> None:
    """`dataset`: of the frames. Where it is gone nobody could say what may be shown, so nothing is kept."""
    if dataset is None:
        return
    for position, one in enumerate(found):
        disagreement = Disagreement(
            member=member,
            camera=dataset.camera,
            position=position,
            frame=one.frame[:200],
            taken_at=one.taken_at,
            width=one.size[0],
            height=one.size[1],
            privacy=dataset.privacy,
            original=one.original,
            merged=one.merged,
            truth=one.truth,
        )
        if one.picture and may_show_picture(dataset.privacy, dataset.camera.privacy):
            disagreement.picture = _stored(f"{FOLDER}/{member.group.run_id}/{disagreement.id}.jpg", one.picture)
        disagreement.save(force_insert=True)


def _stored(path: str, picture: bytes) -> str:
    """A full disk costs the picture, not the result of the run that it illustrates."""
    try:
        return str(default_storage.save(path, ContentFile(picture)))
    except OSError:
        logger.exception("A picture of a disagreement could not be stored.")
        return ""


@transaction.atomic
def disagreement_pictures_forget(*, camera_id: UUID) -> None:
    """Removes all pictures of a camera of which people decided that no picture may be kept."""
    _forget(list(Disagreement.objects.filter(camera_id=camera_id).exclude(picture="")))


def disagreements_prune(*, now: datetime) -> int:
    """Removes pictures of groups that were decided against long ago, and folders that no row names. How many pictures.

    What was answered stays, in words.
    """
    old = Disagreement.objects.filter(member__group__run__ended_at__lt=now - KEPT).exclude(picture="")
    with transaction.atomic():
        removed = list(old.exclude(member__group__state__in=_OPEN))
        _forget(removed)
    _unnamed_delete(now)
    return len(removed)


def _forget(found: Sequence[Disagreement]) -> None:
    Disagreement.objects.filter(id__in=[one.id for one in found]).update(picture="")
    for one in found:
        transaction.on_commit(partial(default_storage.delete, one.picture))


def _unnamed_delete(now: datetime) -> None:
    """What a deleted camera, or a crash between a file and its commit, left behind: of runs that ended long ago."""
    folders, _ = folder_list(FOLDER)
    named = Disagreement.objects.exclude(picture="").values_list("member__group__run_id", flat=True)
    kept = {str(run_id) for run_id in (*named, *_recent(now))}
    for folder in folders:
        if folder not in kept:
            folder_delete(f"{FOLDER}/{folder}")


def _recent(now: datetime) -> Sequence[UUID]:
    """Runs that may be about to commit what they wrote."""
    recent = MergeRun.objects.exclude(ended_at__lt=now - timedelta(hours=1))
    return list(recent.values_list("id", flat=True))
