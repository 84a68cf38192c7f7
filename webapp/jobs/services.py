"""Enqueue, claim, keep and end jobs. Claims are conditional UPDATEs, so a task delivered twice runs once."""

import uuid
from datetime import datetime, timedelta

from django.db import models, transaction

from webapp.celery import celery_app
from webapp.jobs.models import JOB_ENDED, Job, JobState, WorkerHeartbeat

LEASE = timedelta(seconds=60)
RESEND_AFTER = timedelta(seconds=30)
WORKERS_KEPT = timedelta(days=1)


def job_enqueue(*, task: str, queue: str, subject: uuid.UUID, now: datetime, max_attempts: int = 3) -> Job:
    """A queued job, sent to its queue when the transaction commits. Beat sends it again if the message is lost."""
    job = Job.objects.create(
        task=task, queue=queue, subject=subject, created_at=now, sent_at=now, max_attempts=max_attempts
    )
    transaction.on_commit(lambda: _send(job))
    return job


def job_claim(*, job_id: uuid.UUID, owner: str, now: datetime) -> Job | None:
    """The job, leased to `owner`, or None when it has ended, is cancelled or another worker holds it."""
    free = models.Q(state=JobState.QUEUED) | models.Q(state=JobState.RUNNING, lease_expires_at__lt=now)
    claimed = Job.objects.filter(
        free, id=job_id, attempts__lt=models.F("max_attempts"), cancel_requested_at=None
    ).update(
        state=JobState.RUNNING,
        lease_owner=owner,
        lease_expires_at=now + LEASE,
        started_at=now,
        attempts=models.F("attempts") + 1,
    )
    return Job.objects.get(id=job_id) if claimed else None


def job_keep(*, job_id: uuid.UUID, owner: str, now: datetime) -> bool:
    """Extends the lease. False when the work should stop: the job was cancelled or another worker took it over."""
    kept = Job.objects.filter(id=job_id, state=JobState.RUNNING, lease_owner=owner, cancel_requested_at=None).update(
        lease_expires_at=now + LEASE
    )
    return bool(kept)


def job_end(*, job_id: uuid.UUID, owner: str, state: JobState, now: datetime, problem: str = "") -> bool:
    """Ends the job if `owner` still holds it. False otherwise: then its result must not be recorded."""
    ended = Job.objects.filter(id=job_id, state=JobState.RUNNING, lease_owner=owner).update(
        state=state, problem=problem, ended_at=now, lease_expires_at=None
    )
    return bool(ended)


def job_release(*, job_id: uuid.UUID, owner: str) -> bool:
    """Gives a job back that `owner` holds, because its worker is told to stop. The attempt does not count."""
    released = Job.objects.filter(
        id=job_id, state=JobState.RUNNING, lease_owner=owner, cancel_requested_at=None
    ).update(state=JobState.QUEUED, lease_owner="", lease_expires_at=None, attempts=models.F("attempts") - 1)
    return bool(released)


def job_cancel(*, job_id: uuid.UUID, now: datetime) -> None:
    """A queued job is cancelled at once; a running one when its worker next looks."""
    Job.objects.filter(id=job_id, state=JobState.QUEUED).update(
        state=JobState.CANCELLED, cancel_requested_at=now, ended_at=now
    )
    Job.objects.filter(id=job_id).exclude(state__in=JOB_ENDED).update(cancel_requested_at=now)


def jobs_resend(*, now: datetime) -> int:
    """Sends queued jobs that no worker took, and running ones whose worker died. Returns how many were sent."""
    lost = Job.objects.filter(
        models.Q(state=JobState.QUEUED) | models.Q(state=JobState.RUNNING, lease_expires_at__lt=now),
        sent_at__lt=now - RESEND_AFTER,
        attempts__lt=models.F("max_attempts"),
    )
    jobs = list(lost[:500])
    Job.objects.filter(id__in=[job.id for job in jobs]).update(sent_at=now)
    for job in jobs:
        _send(job)
    return len(jobs)


def jobs_given_up(*, now: datetime) -> list[Job]:
    """Running jobs whose worker died at the last allowed attempt, or after a cancel: ended here. Returns them."""
    dead = list(
        Job.objects.filter(state=JobState.RUNNING, lease_expires_at__lt=now).filter(
            models.Q(attempts__gte=models.F("max_attempts")) | models.Q(cancel_requested_at__isnull=False)
        )
    )
    for job in dead:
        cancelled = job.cancel_requested_at is not None
        job.state = JobState.CANCELLED if cancelled else JobState.FAILED
        job.problem = "" if cancelled else f"The worker stopped {job.attempts} times during this work."
        Job.objects.filter(id=job.id, state=JobState.RUNNING).update(
            state=job.state, problem=job.problem, ended_at=now, lease_expires_at=None
        )
    return dead


def worker_seen(*, name: str, queues: list[str], now: datetime) -> None:
    """The worker process `name` lives and takes jobs of `queues`. Those that were gone for long are forgotten."""
    WorkerHeartbeat.objects.update_or_create(name=name, defaults={"queues": sorted(queues), "seen_at": now})
    WorkerHeartbeat.objects.filter(seen_at__lt=now - WORKERS_KEPT).delete()


def worker_gone(*, name: str) -> None:
    """The worker process has stopped in good order."""
    WorkerHeartbeat.objects.filter(name=name).delete()


def _send(job: Job) -> None:
    celery_app.send_task(job.task, args=[str(job.id)], queue=job.queue)
