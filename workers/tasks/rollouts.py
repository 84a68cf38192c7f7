"""Publishing a box's next bundle."""

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from webapp.fleets.models import Box
from webapp.jobs.models import JobState
from webapp.rollouts.services import bundle_publish
from webapp.workloads.task_names import PUBLISH_BUNDLE
from workers.tasks.leases import leased


@shared_task(name=PUBLISH_BUNDLE)
def publish_bundle(job_id: str) -> None:
    with leased(job_id) as lease:
        if lease is None:
            return
        box = Box.objects.filter(id=lease.job.subject).first()
        with transaction.atomic():
            if lease.end(JobState.SUCCEEDED) and box is not None:
                bundle_publish(box=box, now=timezone.now())
