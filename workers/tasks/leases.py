"""A task's hold on its job row. Celery may deliver a task twice or lose it; only the lease decides who works."""

import logging
import os
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.utils import timezone

from edge_runtime.protocol.errors import GemelError
from webapp.jobs.models import Job, JobState
from webapp.jobs.services import job_claim, job_end, job_keep, job_release

KEEP_EVERY_S = 3.0

logger = logging.getLogger(__name__)


class LeaseLost(GemelError):
    """The job was cancelled, or another worker took it over: stop, and record nothing."""

    code = "lease_lost"


class Lease:
    """Work on `job` may go on while `keep` says so; call it often, it asks the database every few seconds."""

    def __init__(self, job: Job, owner: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.job = job
        self._owner = owner
        self._clock = clock
        self._asked_at = clock()

    def keep(self) -> bool:
        if self._clock() - self._asked_at < KEEP_EVERY_S:
            return True
        self._asked_at = self._clock()
        return job_keep(job_id=self.job.id, owner=self._owner, now=timezone.now())

    def require(self) -> None:
        """Raises LeaseLost when the work should stop."""
        if not self.keep():
            raise LeaseLost("The job was cancelled or is another worker's by now.")

    def end(self, state: JobState, problem: str = "") -> bool:
        """Ends the job. False when it is no longer held; then its result must not be recorded (same transaction)."""
        return job_end(job_id=self.job.id, owner=self._owner, state=state, now=timezone.now(), problem=problem)

    def release(self) -> None:
        """Gives the job back for another worker, as if it had not been tried."""
        job_release(job_id=self.job.id, owner=self._owner)

    def is_cancelled(self) -> bool:
        return Job.objects.filter(id=self.job.id, cancel_requested_at__isnull=False).exists()


def claim(job_id: str) -> Lease | None:
    """The lease of the job, or None when there is nothing to do: it has ended, or another worker holds it."""
    owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
    job = job_claim(job_id=uuid.UUID(job_id), owner=owner, now=timezone.now())
    return None if job is None else Lease(job, owner)


@contextmanager
def leased(job_id: str) -> Iterator[Lease | None]:
    """claim() for short work. A GemelError raised inside fails the job; anything else leaves it to be tried again."""
    lease = claim(job_id)
    try:
        yield lease
    except LeaseLost as error:
        logger.info("Job %s: %s", job_id, error)
    except GemelError as error:
        logger.warning("Job %s failed: %s", job_id, error)
        if lease is not None:
            lease.end(JobState.FAILED, str(error))
