"""Originals. An upload is data: only a worker opens it, and the model is READY when that found nothing wrong."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.files.base import File
from django.db import transaction
from django.db.models import ProtectedError

from edge_runtime.protocol.architectures import ARCHITECTURES
from webapp.audit.services import audit_record
from webapp.common.errors import Conflict
from webapp.common.names import checked_name, unique_name
from webapp.common.uploads import upload_discard, upload_store
from webapp.fleets.models import Role, Site
from webapp.fleets.policies import require_role
from webapp.jobs.services import job_enqueue
from webapp.realtime.topics import site_changed
from webapp.workloads.models import CheckState, Model
from webapp.workloads.policies import checked_architecture, checked_classes, checked_input_size
from webapp.workloads.task_names import LIGHT_QUEUE, MODEL_CHECK


@transaction.atomic
def model_register(
    *,
    actor: Any | None,
    site: Site,
    name: str,
    architecture: str,
    classes: Sequence[str],
    input_size: tuple[int, int],
    weights: File,
    now: datetime,
) -> Model:
    """A model whose weights a worker checks next. `input_size` is (height, width)."""
    require_role(actor, site, Role.OPERATOR)
    height, width = checked_input_size(input_size)
    model = Model(
        site=site,
        name=checked_name(name),
        architecture=checked_architecture(architecture),
        task=ARCHITECTURES[architecture],
        classes=checked_classes(classes),
        input_height=height,
        input_width=width,
        created_at=now,
    )
    with unique_name(f'There is a model called "{model.name}" in {site} already.'):
        model.save()
    model.upload = upload_store(weights, field="weights")
    model.save(update_fields=["upload"])
    job_enqueue(task=MODEL_CHECK, queue=LIGHT_QUEUE, subject=model.id, now=now)
    detail = {"architecture": architecture, "classes": model.classes}
    audit_record(actor=actor, action="model.register", subject=model, site_id=site.id, now=now, detail=detail)
    site_changed(site.id, "model", model.id)
    return model


@transaction.atomic
def model_check_record(
    *,
    model: Model,
    tensors: dict[str, Any] | None = None,
    layers: list[dict[str, Any]] | None = None,
    size_bytes: int = 0,
    problem: str = "",
    now: datetime,
) -> None:
    """What the check found: tensors and layers (see Model), or one sentence why the upload is rejected."""
    model.state = CheckState.REJECTED if problem else CheckState.READY
    model.problem, model.tensors, model.layers = problem, tensors or {}, layers or []
    model.size_bytes = size_bytes
    upload_discard(model.upload)
    model.upload = ""
    model.save(update_fields=["state", "problem", "tensors", "layers", "size_bytes", "upload"])
    detail = {"state": model.state.value, "problem": problem}
    audit_record(actor=None, action="model.check", subject=model, site_id=model.site_id, now=now, detail=detail)
    site_changed(model.site_id, "model", model.id)


@transaction.atomic
def model_delete(*, actor: Any | None, model: Model, now: datetime) -> None:
    """Raises Conflict while queries or the record of a merge need the model."""
    require_role(actor, model.site, Role.OPERATOR)
    audit_record(actor=actor, action="model.delete", subject=model, site_id=model.site_id, now=now)
    upload_discard(model.upload)
    site_changed(model.site_id, "model", model.id)
    try:
        model.delete()
    except ProtectedError as error:
        raise Conflict(f"{model} is used by queries or merge runs, so it was kept.") from error
