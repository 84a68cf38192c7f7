"""Queries. Every change leads to a new bundle, merged or not: a box always runs a bundle."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext

from webapp.audit.services import audit_record
from webapp.common.errors import InvalidInput
from webapp.common.names import checked_name, unique_name
from webapp.fleets.models import Camera, Role
from webapp.fleets.policies import require_role
from webapp.fleets.services import box_target_changed
from webapp.jobs.services import job_enqueue
from webapp.realtime.topics import site_changed
from webapp.workloads.models import CheckState, Model, Query
from webapp.workloads.policies import check_numbers, checked_objects, checked_zone_of
from webapp.workloads.task_names import LIGHT_QUEUE, PUBLISH_BUNDLE
from webapp.workloads.zones import Point


@transaction.atomic
def query_create(
    *,
    actor: Any | None,
    camera: Camera,
    model: Model,
    name: str,
    objects: Sequence[str],
    accuracy_target: float = 0.95,
    rate_fps: float = 5.0,
    deadline_ms: int = 500,
    priority: float = 1.0,
    zone: Sequence[Point] = (),
    now: datetime,
) -> Query:
    require_role(actor, camera.box.site, Role.OPERATOR)
    if model.site_id != camera.box.site_id:
        raise InvalidInput(
            gettext("%(model)s belongs to another site than %(camera)s.") % {"model": model, "camera": camera},
            field="model",
        )
    if model.state != CheckState.READY:
        raise InvalidInput(
            gettext("%(model)s is not ready: its check has not succeeded.") % {"model": model}, field="model"
        )
    check_numbers(accuracy_target, rate_fps, deadline_ms, priority)
    query = Query(
        camera=camera,
        model=model,
        name=checked_name(name),
        objects_wanted=checked_objects(objects, model.classes, model.name),
        accuracy_target=accuracy_target,
        rate_fps=rate_fps,
        deadline_ms=deadline_ms,
        priority=priority,
        zone=checked_zone_of(zone, model.task, model.name),
        created_at=now,
    )
    _save(query)
    _changed(query, actor, "query.create", now)
    return query


@transaction.atomic
def query_update(
    *,
    actor: Any | None,
    query: Query,
    name: str | None = None,
    objects: Sequence[str] | None = None,
    accuracy_target: float | None = None,
    rate_fps: float | None = None,
    deadline_ms: int | None = None,
    priority: float | None = None,
    zone: Sequence[Point] | None = None,
    now: datetime,
) -> Query:
    """Changes what is given; an empty zone is the whole picture.

    Camera and model stay: another model is another query, with figures of its own.
    """
    require_role(actor, query.camera.box.site, Role.OPERATOR)
    given = {
        "accuracy_target": accuracy_target,
        "rate_fps": rate_fps,
        "deadline_ms": deadline_ms,
        "priority": priority,
    }
    for field, value in given.items():
        if value is not None:
            setattr(query, field, value)
    check_numbers(query.accuracy_target, query.rate_fps, query.deadline_ms, query.priority)
    if name is not None:
        query.name = checked_name(name)
    if objects is not None:
        query.objects_wanted = checked_objects(objects, query.model.classes, query.model.name)
    if zone is not None:
        query.zone = checked_zone_of(zone, query.model.task, query.model.name)
    _save(query)
    _changed(query, actor, "query.update", now)
    return query


@transaction.atomic
def query_delete(*, actor: Any | None, query: Query, now: datetime) -> None:
    """Statistics and the record of merges stay."""
    require_role(actor, query.camera.box.site, Role.OPERATOR)
    _changed(query, actor, "query.delete", now)
    query.delete()


def publish_enqueue(*, box_id: UUID, now: datetime) -> None:
    """A worker composes the box's next bundle once the transaction commits."""
    job_enqueue(task=PUBLISH_BUNDLE, queue=LIGHT_QUEUE, subject=box_id, now=now)


def _save(query: Query) -> None:
    with unique_name(
        gettext('%(camera)s has a query called "%(name)s" already.') % {"camera": query.camera, "name": query.name}
    ):
        query.save()


def _changed(query: Query, actor: Any | None, action: str, now: datetime) -> None:
    box = query.camera.box
    detail = {
        "model": str(query.model),
        "objects": query.objects_wanted,
        "accuracy_target": query.accuracy_target,
        "rate_fps": query.rate_fps,
        "deadline_ms": query.deadline_ms,
        "priority": query.priority,
        "zone": query.zone,
    }
    audit_record(actor=actor, action=action, subject=query, site_id=box.site_id, now=now, detail=detail)
    box_target_changed(box_id=box.id)
    publish_enqueue(box_id=box.id, now=now)
    site_changed(box.site_id, "query", query.id)
