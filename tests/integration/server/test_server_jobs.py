"""Jobs in a real database: claimed once, kept, cancelled, expired, sent again."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from webapp.celery import celery_app
from webapp.jobs import services
from webapp.jobs.models import Job, JobState

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=61)
pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What went to the broker, by job id."""
    found: list[str] = []
    monkeypatch.setattr(celery_app, "send_task", lambda task, args, queue: found.append(args[0]))
    return found


@pytest.fixture
def job() -> Job:
    return services.job_enqueue(task="models.check", queue="light", subject=uuid.uuid4(), now=NOW, max_attempts=2)


def test_a_task_delivered_twice_is_claimed_once(job: Job) -> None:
    assert services.job_claim(job_id=job.id, owner="one", now=NOW) is not None
    assert services.job_claim(job_id=job.id, owner="two", now=NOW) is None


def test_a_job_whose_worker_died_is_taken_over_and_the_late_worker_records_nothing(job: Job) -> None:
    services.job_claim(job_id=job.id, owner="one", now=NOW)
    assert services.job_claim(job_id=job.id, owner="two", now=LATER) is not None
    assert not services.job_keep(job_id=job.id, owner="one", now=LATER)
    assert not services.job_end(job_id=job.id, owner="one", state=JobState.SUCCEEDED, now=LATER)
    assert services.job_end(job_id=job.id, owner="two", state=JobState.SUCCEEDED, now=LATER)
    assert services.job_claim(job_id=job.id, owner="one", now=LATER) is None


def test_keeping_the_lease_holds_others_off(job: Job) -> None:
    services.job_claim(job_id=job.id, owner="one", now=NOW)
    assert services.job_keep(job_id=job.id, owner="one", now=NOW + timedelta(seconds=50))
    assert services.job_claim(job_id=job.id, owner="two", now=LATER) is None


def test_a_queued_job_is_cancelled_at_once_and_a_running_one_is_told(job: Job) -> None:
    services.job_claim(job_id=job.id, owner="one", now=NOW)
    services.job_cancel(job_id=job.id, now=NOW)
    assert not services.job_keep(job_id=job.id, owner="one", now=NOW)
    other = services.job_enqueue(task="models.check", queue="light", subject=uuid.uuid4(), now=NOW)
    services.job_cancel(job_id=other.id, now=NOW)
    other.refresh_from_db()
    assert other.state == JobState.CANCELLED
    assert services.job_claim(job_id=other.id, owner="one", now=NOW) is None


def test_a_released_job_is_free_and_has_lost_no_attempt(job: Job) -> None:
    services.job_claim(job_id=job.id, owner="one", now=NOW)
    assert services.job_release(job_id=job.id, owner="one")
    job.refresh_from_db()
    assert (job.state, job.attempts) == (JobState.QUEUED, 0)


def test_lost_messages_are_sent_again_but_not_at_once(job: Job, sent: list[str]) -> None:
    assert services.jobs_resend(now=NOW + timedelta(seconds=29)) == 0
    assert services.jobs_resend(now=NOW + timedelta(seconds=31)) == 1
    assert services.jobs_resend(now=NOW + timedelta(seconds=32)) == 0
    assert sent == [str(job.id)]


def test_a_job_is_sent_when_its_transaction_commits(sent: list[str], django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        job = services.job_enqueue(task="models.check", queue="light", subject=uuid.uuid4(), now=NOW)
        assert sent == []
    assert sent == [str(job.id)]


def test_a_job_whose_worker_died_at_the_last_attempt_is_given_up(job: Job, sent: list[str]) -> None:
    for attempt in range(2):
        services.job_claim(job_id=job.id, owner=f"worker {attempt}", now=NOW + attempt * timedelta(seconds=61))
    much_later = NOW + timedelta(seconds=200)
    assert services.jobs_resend(now=much_later) == 0
    assert [given_up.id for given_up in services.jobs_given_up(now=much_later)] == [job.id]
    job.refresh_from_db()
    assert (job.state, job.problem) == (JobState.FAILED, "The worker stopped 2 times during this work.")
    assert services.jobs_given_up(now=much_later) == []
