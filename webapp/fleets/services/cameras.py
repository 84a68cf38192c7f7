"""Cameras. The server never opens one: the box probes it and sends what it found."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext

from edge_runtime.protocol.messages import ProbeResult
from edge_runtime.protocol.sources import SourceError, source_kind
from edge_runtime.protocol.target import Privacy
from webapp.audit.services import audit_record
from webapp.common.errors import Conflict, InvalidInput
from webapp.common.names import checked_name, unique_name
from webapp.fleets.models import Box, Camera, Role
from webapp.fleets.policies import checked_sampling, require_role
from webapp.fleets.selectors import preview_key
from webapp.fleets.services.boxes import box_target_changed
from webapp.fleets.task_names import LIGHT_QUEUE, PICTURES_FORGET
from webapp.jobs.services import job_enqueue
from webapp.realtime.topics import site_changed

PREVIEW_KEPT_S = 3600
_PROBE_FIELDS = [
    *("probe_answered", "probe_problem", "probed_at", "width", "height", "rate_fps", "codec"),
    *("picture", "picture_at"),
]


@transaction.atomic
def camera_create(
    *, actor: Any | None, box: Box, name: str, source: str, privacy: str = Privacy.FULL.value, now: datetime
) -> Camera:
    """A camera of `box`, which is asked for a picture of it at once."""
    require_role(actor, box.site, Role.OPERATOR)
    camera = Camera(box=box, name=checked_name(name), privacy=_privacy(privacy), created_at=now)
    _source_set(camera, source)
    with unique_name(gettext('%(box)s has a camera called "%(name)s" already.') % {"box": box, "name": camera.name}):
        camera.save()
    _changed(camera, actor, "camera.create", now)
    return camera


@transaction.atomic
def camera_update(
    *,
    actor: Any | None,
    camera: Camera,
    name: str | None = None,
    source: str | None = None,
    privacy: str | None = None,
    sample_every_s: int | None = None,
    now: datetime,
) -> Camera:
    """Changes what is given. An empty `source` keeps the address, whose password no form shows. A new one is probed."""
    require_role(actor, camera.box.site, Role.OPERATOR)
    if name is not None:
        camera.name = checked_name(name)
    if privacy is not None:
        camera.privacy = _privacy(privacy)
    if sample_every_s is not None:
        camera.sample_every_s = checked_sampling(sample_every_s)
    if source and source.strip() != camera.source_shown:
        _source_set(camera, source)
        camera.probe_request += 1
    with unique_name(
        gettext('%(box)s has a camera called "%(name)s" already.') % {"box": camera.box, "name": camera.name}
    ):
        camera.save(update_fields=["name", "privacy", "sample_every_s", "source", "source_kind", "probe_request"])
    if camera.privacy == Privacy.OFF:
        _pictures_forget(camera)
        job_enqueue(task=PICTURES_FORGET, queue=LIGHT_QUEUE, subject=camera.id, now=now)
    _changed(camera, actor, "camera.update", now)
    return camera


@transaction.atomic
def camera_delete(*, actor: Any | None, camera: Camera, now: datetime) -> None:
    """Raises Conflict while queries use the camera."""
    require_role(actor, camera.box.site, Role.OPERATOR)
    queries = camera.queries.count()
    if queries:
        raise Conflict(
            gettext("%(camera)s still serves %(queries)s queries: delete them first. Nothing was changed.")
            % {"camera": camera, "queries": queries}
        )
    _changed(camera, actor, "camera.delete", now)
    job_enqueue(task=PICTURES_FORGET, queue=LIGHT_QUEUE, subject=camera.id, now=now)
    camera.delete()


@transaction.atomic
def camera_probe_request(*, actor: Any | None, camera: Camera, now: datetime) -> None:
    """Asks the box for a new picture of the camera."""
    require_role(actor, camera.box.site, Role.OPERATOR)
    Camera.objects.filter(id=camera.id).update(probe_request=F("probe_request") + 1)
    camera.refresh_from_db(fields=["probe_request"])
    _changed(camera, actor, "camera.probe", now)


@transaction.atomic
def camera_probe_record(*, camera: Camera, probe: ProbeResult, picture: bytes | None, now: datetime) -> None:
    """The box's answer. One to an older request is ignored; an answer without a picture keeps the last picture."""
    if not camera.probe_answered < probe.request <= camera.probe_request:
        return
    camera.probe_answered, camera.probe_problem, camera.probed_at = probe.request, probe.problem[:500], now
    if not probe.problem:
        camera.width, camera.height = max(0, probe.width), max(0, probe.height)
        camera.rate_fps, camera.codec = probe.rate_fps, probe.codec[:40]
    if picture and camera.privacy != Privacy.OFF:
        path = default_storage.save(f"pictures/{camera.id}.jpg", ContentFile(picture))
        camera.picture, old, camera.picture_at = path, camera.picture, now
        if old:
            transaction.on_commit(lambda: default_storage.delete(old))
    camera.save(update_fields=_PROBE_FIELDS)
    box_target_changed(box_id=camera.box_id)
    site_changed(camera.box.site_id, "camera", camera.id)


def camera_preview_record(*, camera_id: UUID | str, picture: bytes) -> None:
    """Keeps the newest preview of a camera for pages that show a still. Lost when the cache is: that is fine."""
    cache.set(preview_key(camera_id), picture, PREVIEW_KEPT_S)


def _pictures_forget(camera: Camera) -> None:
    """Nothing that left the box before stays here once people decided that no picture may; a job does the events'."""
    old, camera.picture, camera.picture_at = camera.picture, "", None
    camera.save(update_fields=["picture", "picture_at"])

    def forget() -> None:
        cache.delete(preview_key(camera.id))
        if old:
            default_storage.delete(old)

    transaction.on_commit(forget)


def _source_set(camera: Camera, source: str) -> None:
    try:
        camera.source_kind = source_kind(source).value
    except SourceError as error:
        raise InvalidInput(str(error), field="source") from error
    camera.source = source.strip()


def _privacy(value: str) -> str:
    try:
        return Privacy(value).value
    except ValueError as error:
        choices = ", ".join(Privacy)
        raise InvalidInput(
            gettext("The privacy setting is one of %(choices)s.") % {"choices": choices}, field="privacy"
        ) from error


def _changed(camera: Camera, actor: Any | None, action: str, now: datetime) -> None:
    """Audit row and updates of a change. The address is recorded without user name and password."""
    detail = {
        "source": camera.source_shown,
        "privacy": str(camera.privacy),
        "sample_every_s": camera.sample_every_s,
    }
    site_id = camera.box.site_id
    audit_record(actor=actor, action=action, subject=camera, site_id=site_id, now=now, detail=detail)
    box_target_changed(box_id=camera.box_id)
    site_changed(site_id, "camera", camera.id)
