"""Keeping results within their retention, and forgetting pictures that may no longer be kept."""

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from webapp.fleets.task_names import PICTURES_FORGET
from webapp.jobs.models import JobState
from webapp.merges.services import disagreement_pictures_forget, disagreements_prune
from webapp.results.services import counts_prune, event_pictures_forget, events_prune
from workers.tasks.leases import leased


@shared_task(name="results.prune")
def prune() -> None:
    now = timezone.now()
    counts_prune(now=now)
    events_prune(now=now)
    disagreements_prune(now=now)


@shared_task(name=PICTURES_FORGET)
def forget_pictures(job_id: str) -> None:
    with leased(job_id) as lease:
        if lease is None:
            return
        with transaction.atomic():
            if lease.end(JobState.SUCCEEDED):
                event_pictures_forget(camera_id=lease.job.subject)
                disagreement_pictures_forget(camera_id=lease.job.subject)
