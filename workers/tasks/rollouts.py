"""Publishing a box's next bundle, and carrying rollouts on."""

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from webapp.fleets.models import Box
from webapp.jobs.models import JobState
from webapp.rollouts.services import bundle_publish, rollout_advance, rollouts_unsettled
from webapp.rollouts.task_names import ADVANCE_ROLLOUT
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


@shared_task(name=ADVANCE_ROLLOUT)
def advance_rollout(job_id: str) -> None:
    """Something happened in a rollout. Every step is whole by itself, so a worker killed in between loses none."""
    with leased(job_id) as lease:
        if lease is None:
            return
        while rollout_advance(rollout_id=lease.job.subject, now=timezone.now()):
            lease.require()
        lease.end(JobState.SUCCEEDED)


@shared_task(name="rollouts.advance_all")
def advance_rollouts() -> None:
    """Maintenance windows open and boxes come back without anybody telling."""
    for rollout_id in rollouts_unsettled():
        while rollout_advance(rollout_id=rollout_id, now=timezone.now()):
            pass
