"""Originals. An upload is data: only a worker opens it, and the model is READY when that found nothing wrong."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from django.core.files.base import File
from django.db import transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext

from edge_runtime.protocol.architectures import ARCHITECTURES
from webapp.audit.services import audit_record
from webapp.common.errors import Conflict, InvalidInput
from webapp.common.names import checked_name, unique_name
from webapp.common.uploads import upload_discard, upload_store
from webapp.fleets.models import Role, Site
from webapp.fleets.policies import require_role
from webapp.jobs.services import job_enqueue
from webapp.realtime.topics import site_changed
from webapp.workloads.models import CheckState, Model
from webapp.workloads.policies import checked_architecture, checked_classes, checked_input_size
from webapp.workloads.recognition import contradiction, read_recognition
from webapp.workloads.task_names import LIGHT_QUEUE, MODEL_CHECK

_DESCRIPTION = ("architecture", "task", "classes", "input_height", "input_width")


@transaction.atomic
def model_register(
    *,
    actor: Any | None,
    site: Site,
    name: str,
    weights: File,
    architecture: str = "",
    classes: Sequence[str] = (),
    input_size: tuple[int, int] | None = None,
    now: datetime,
) -> Model:
    """A model whose weights a worker checks next. `input_size` is (height, width).

    What is left out is recognised from the tensors first, and where they do not tell it a person is asked.
    """
    require_role(actor, site, Role.OPERATOR)
    model = Model(site=site, name=checked_name(name), created_at=now)
    _describe(model, architecture, classes, input_size)
    model.state = CheckState.CHECKING if _is_described(model) else CheckState.RECOGNISING
    with unique_name(
        gettext('There is a model called "%(name)s" in %(site)s already.') % {"name": model.name, "site": site}
    ):
        model.save()
    model.upload = upload_store(weights, field="weights")
    model.save(update_fields=["upload"])
    job_enqueue(task=MODEL_CHECK, queue=LIGHT_QUEUE, subject=model.id, now=now)
    detail = {"architecture": architecture, "classes": model.classes}
    audit_record(actor=actor, action="model.register", subject=model, site_id=site.id, now=now, detail=detail)
    site_changed(site.id, "model", model.id)
    return model


@transaction.atomic
def model_recognise_record(
    *, model: Model, recognition: dict[str, Any] | None = None, problem: str = "", now: datetime
) -> None:
    """What the tensors told (see Model), or one sentence why they told nothing: then the upload is rejected.

    The check comes next where nothing is left to say; else a person is asked.
    """
    if problem:
        model_check_record(model=model, problem=problem, now=now)
        return
    found = read_recognition(recognition or {})
    model.recognition = msgspec.to_builtins(found)
    if (known := found.candidate(model.architecture)) is not None:
        _describe(model, known.architecture, model.classes, _size_of(model) or known.input_size)
    wrong = contradiction(found, model.architecture, model.classes, _size_of(model))
    model.state, model.problem = CheckState.UNDESCRIBED, str(wrong or "")
    if _is_described(model) and wrong is None:
        model.state = CheckState.CHECKING
        job_enqueue(task=MODEL_CHECK, queue=LIGHT_QUEUE, subject=model.id, now=now)
    model.save(update_fields=[*_DESCRIPTION, "recognition", "state", "problem"])
    detail = {"architectures": [candidate.architecture for candidate in found.candidates], "state": model.state.value}
    audit_record(actor=None, action="model.recognise", subject=model, site_id=model.site_id, now=now, detail=detail)
    site_changed(model.site_id, "model", model.id)


@transaction.atomic
def model_describe(
    *,
    actor: Any | None,
    model: Model,
    architecture: str = "",
    classes: Sequence[str],
    input_size: tuple[int, int] | None = None,
    now: datetime,
) -> None:
    """What a person says of a recognised upload, which is checked next. What the tensors tell may be left out.

    Raises InvalidInput where the tensors say otherwise, Conflict when the model does not wait for it.
    """
    require_role(actor, model.site, Role.OPERATOR)
    model = Model.objects.select_for_update(of=("self",)).select_related("site").get(id=model.id)
    if model.state != CheckState.UNDESCRIBED:
        raise Conflict(
            gettext("%(model)s is %(state)s and does not wait for a description.")
            % {"model": model, "state": model.get_state_display().lower()}
        )
    found = read_recognition(model.recognition)
    known = found.candidate(architecture)
    wrong = contradiction(found, architecture, checked_classes(classes), input_size)
    if wrong is not None:
        raise wrong
    if known is None:
        fitting = ", ".join(candidate.architecture for candidate in found.candidates)
        raise InvalidInput(
            gettext("Choose what the weights were trained as: %(fitting)s.") % {"fitting": fitting},
            field="architecture",
        )
    size = input_size or known.input_size
    if size is None:
        raise InvalidInput(
            gettext("The weights do not tell the input size: enter height and width."), field="input_size"
        )
    _describe(model, known.architecture, classes, size)
    model.state, model.problem = CheckState.CHECKING, ""
    model.save(update_fields=[*_DESCRIPTION, "state", "problem"])
    job_enqueue(task=MODEL_CHECK, queue=LIGHT_QUEUE, subject=model.id, now=now)
    detail = {"architecture": model.architecture, "classes": model.classes}
    audit_record(actor=actor, action="model.describe", subject=model, site_id=model.site_id, now=now, detail=detail)
    site_changed(model.site_id, "model", model.id)


@transaction.atomic
def model_check_record(
    *,
    model: Model,
    tensors: dict[str, Any] | None = None,
    layers: list[dict[str, Any]] | None = None,
    size_bytes: int = 0,
    problem: str = "",
    is_correctable: bool = False,
    now: datetime,
) -> None:
    """What the check found: tensors and layers (see Model), or one sentence why the upload is rejected.

    Where only what a person said of a recognised upload is wrong, the upload is kept and the person asked again.
    """
    is_asked_again = bool(problem and is_correctable and model.recognition)
    if is_asked_again:
        model.state = CheckState.UNDESCRIBED
    else:
        model.state = CheckState.REJECTED if problem else CheckState.READY
        upload_discard(model.upload)
        model.upload = ""
    model.problem, model.tensors, model.layers = problem, tensors or {}, layers or []
    model.size_bytes = size_bytes
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
        raise Conflict(
            gettext("%(model)s is used by queries or merge runs, so it was kept.") % {"model": model}
        ) from error


def _describe(model: Model, architecture: str, classes: Sequence[str], size: tuple[int, int] | None) -> None:
    """Sets what is given, once it is checked. What is empty stays empty."""
    model.architecture = checked_architecture(architecture) if architecture else ""
    model.task = ARCHITECTURES[architecture] if architecture else ""
    model.classes = checked_classes(classes) if classes else []
    model.input_height, model.input_width = checked_input_size(size) if size else (0, 0)


def _is_described(model: Model) -> bool:
    return bool(model.architecture and model.classes and model.input_height)


def _size_of(model: Model) -> tuple[int, int] | None:
    return (model.input_height, model.input_width) if model.input_height else None
