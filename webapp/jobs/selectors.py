"""Reading about jobs and the workers that take them."""

from datetime import datetime, timedelta

from webapp.jobs.models import Job, JobState, WorkerHeartbeat

HEARD_WITHIN = timedelta(seconds=45)


def queues_with_workers(now: datetime) -> frozenset[str]:
    """Queues that a worker takes jobs of which was heard of lately."""
    heard = WorkerHeartbeat.objects.filter(seen_at__gte=now - HEARD_WITHIN).values_list("queues", flat=True)
    return frozenset(queue for queues in heard for queue in queues)


def queues_busy(now: datetime) -> frozenset[str]:
    """Queues a job of which is being worked on."""
    held = Job.objects.filter(state=JobState.RUNNING, lease_expires_at__gte=now)
    return frozenset(held.values_list("queue", flat=True).distinct())


def jobs_overdue(now: datetime, queued_for: timedelta, lease_overdue: timedelta) -> list[Job]:
    """Jobs that wait, or whose lease has been over, for longer than that."""
    waiting = Job.objects.filter(state=JobState.QUEUED, created_at__lt=now - queued_for)
    lost = Job.objects.filter(state=JobState.RUNNING, lease_expires_at__lt=now - lease_overdue)
    return [*waiting[:200], *lost[:200]]
