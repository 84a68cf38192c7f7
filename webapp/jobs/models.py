"""One row per piece of background work, claimed by a lease that expires when its worker dies."""

import uuid

from django.db import models


class JobState(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


JOB_ENDED = (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)


class Job(models.Model):
    """`task` is the Celery task's name, which gets the job's id as its only argument. `subject` is what it works on.

    Only the worker that holds the lease (`lease_owner`, until `lease_expires_at`) may write progress or an end state.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    task = models.CharField(max_length=100)
    queue = models.CharField(max_length=20)
    subject = models.UUIDField()
    state = models.CharField(max_length=12, choices=JobState.choices, default=JobState.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=3)
    lease_owner = models.CharField(max_length=200, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    problem = models.TextField(blank=True)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["state", "lease_expires_at"]), models.Index(fields=["subject"])]

    def __str__(self) -> str:
        return f"{self.task} {self.subject} ({self.state})"


class WorkerHeartbeat(models.Model):
    """A worker process says every few seconds that it lives, whatever it is busy with."""

    name = models.CharField(max_length=200, unique=True)
    queues = models.JSONField()
    seen_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["seen_at"])]

    def __str__(self) -> str:
        return self.name
