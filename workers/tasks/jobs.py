"""What beat asks for: lost jobs sent again, given-up ones ended with what they worked on, silent boxes noted."""

from collections.abc import Callable
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from webapp.fleets.services import boxes_unseen_disconnect
from webapp.jobs.models import Job, JobState
from webapp.jobs.services import jobs_given_up, jobs_resend
from webapp.merges.models import MergeRun, MergeRunState
from webapp.merges.selectors import UNENDED
from webapp.merges.services import merge_run_ended
from webapp.merges.task_names import MERGE_RUN
from webapp.workloads.models import CheckState, Dataset, DatasetState, Model
from webapp.workloads.services import dataset_import_record, model_check_record
from webapp.workloads.task_names import DATASET_IMPORT, MODEL_CHECK


@shared_task(name="jobs.resend")
def resend() -> None:
    now = timezone.now()
    jobs_resend(now=now)
    for job in jobs_given_up(now=now):
        end_subject(job)
    boxes_unseen_disconnect(now=now)


def end_subject(job: Job) -> None:
    """Nobody works on the job any more: says so where people look."""
    handler = _HANDLERS.get(job.task)
    if handler is not None:
        handler(job.subject, job)


def _model(subject: UUID, job: Job) -> None:
    model = Model.objects.filter(id=subject, state__in=(CheckState.RECOGNISING, CheckState.CHECKING)).first()
    if model is not None:
        problem = f"{job.problem} Register the model again; if it happens again, look at the worker's log."
        model_check_record(model=model, problem=problem, now=timezone.now())


def _dataset(subject: UUID, job: Job) -> None:
    dataset = Dataset.objects.filter(id=subject, state=DatasetState.CHECKING).first()
    if dataset is not None:
        problem = f"{job.problem} Upload the archive again; if it happens again, look at the worker's log."
        dataset_import_record(dataset=dataset, problem=problem, now=timezone.now())


def _merge_run(subject: UUID, job: Job) -> None:
    run = MergeRun.objects.filter(id=subject, state__in=UNENDED).select_related("box").first()
    if run is not None:
        state = MergeRunState.CANCELLED if job.state == JobState.CANCELLED else MergeRunState.FAILED
        merge_run_ended(run=run, state=state, problem=job.problem, now=timezone.now())


_HANDLERS: dict[str, Callable[[UUID, Job], None]] = {
    MODEL_CHECK: _model,
    DATASET_IMPORT: _dataset,
    MERGE_RUN: _merge_run,
}
