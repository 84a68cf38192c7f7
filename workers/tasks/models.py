"""Recognising and checking an uploaded model: a child process opens the file, this one takes over what it wrote."""

import tempfile
from pathlib import Path
from typing import TypeVar

import msgspec
from celery import shared_task
from django.db import transaction
from django.utils import timezone

from webapp.common.blobs import blob_put
from webapp.common.folders import local_file
from webapp.jobs.models import JobState
from webapp.workloads.models import CheckState, Model
from webapp.workloads.services import model_check_record, model_recognise_record
from webapp.workloads.task_names import MODEL_CHECK
from workers.tasks.children import ChildTimeout, Ended, run_child
from workers.tasks.leases import Lease, leased
from workers.tasks.model_check import CheckAnswer, CheckRequest, RecogniseAnswer, RecogniseRequest

TIMEOUT_S = 300.0
Answer = TypeVar("Answer", CheckAnswer, RecogniseAnswer)


@shared_task(name=MODEL_CHECK)
def check_model(job_id: str) -> None:
    with leased(job_id) as lease:
        if lease is None:
            return
        model = Model.objects.filter(id=lease.job.subject).first()
        if model is not None and model.state == CheckState.RECOGNISING:
            _recognise(model, lease)
        elif model is not None and model.state == CheckState.CHECKING:
            _check(model, lease)
        else:
            lease.end(JobState.SUCCEEDED)


def _recognise(model: Model, lease: Lease) -> None:
    with tempfile.TemporaryDirectory(prefix="gemel-check-") as folder, local_file(model.upload) as weights:
        answer = _answer(RecogniseRequest(str(weights)), RecogniseAnswer, Path(folder), lease)
    with transaction.atomic():
        if lease.end(JobState.SUCCEEDED):
            model_recognise_record(model=model, **msgspec.structs.asdict(answer), now=timezone.now())


def _check(model: Model, lease: Lease) -> None:
    with tempfile.TemporaryDirectory(prefix="gemel-check-") as folder, local_file(model.upload) as weights:
        request = CheckRequest(
            weights=str(weights),
            architecture=model.architecture,
            classes=tuple(model.classes),
            input_size=(model.input_height, model.input_width),
        )
        answer = _answer(request, CheckAnswer, Path(folder), lease)
        if not answer.problem:
            _blobs_import(Path(folder), lease)
    with transaction.atomic():
        if lease.end(JobState.SUCCEEDED):
            model_check_record(model=model, **msgspec.structs.asdict(answer), now=timezone.now())


def _answer(request: CheckRequest | RecogniseRequest, kind: type[Answer], folder: Path, lease: Lease) -> Answer:
    (folder / "request.json").write_bytes(msgspec.json.encode(request))
    try:
        ended = run_child(
            ["-m", "workers.tasks.model_check_child", str(folder)],
            log=folder / "log",
            timeout_s=TIMEOUT_S,
            should_go_on=lease.keep,
        )
    except ChildTimeout:
        return kind(problem=f"The check did not end within {TIMEOUT_S:.0f} seconds: the model is too slow here.")
    return _read_answer(folder, ended, kind)


def _read_answer(folder: Path, ended: Ended, kind: type[Answer]) -> Answer:
    """A child that died without an answer hit its memory or time limit, or crashed on the file."""
    path = folder / "answer.json"
    if ended.code or not path.exists():
        return kind(
            problem="The check ended early: the file needs more memory or time than a check may take, or is broken."
        )
    return msgspec.json.decode(path.read_bytes(), type=kind)


def _blobs_import(folder: Path, lease: Lease) -> None:
    for path in sorted((folder / "blobs").iterdir()):
        lease.require()
        blob_put(path.read_bytes())
