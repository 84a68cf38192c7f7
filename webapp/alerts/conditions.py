"""What counts as an alert. Pure: facts in, findings out.

A condition of something that nothing is known of now (a camera of a box that is offline) is neither found nor clear:
its subject is in `unknown`, and its alert stays as it is.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from webapp.alerts.models import AlertKind
from webapp.jobs.models import Job, JobState

QUEUED_MAX = timedelta(minutes=10)
LEASE_OVERDUE_MAX = timedelta(minutes=2)
GPU_WORKER = UUID(int=1)  # the subject of the alert: there is one such queue

Key = tuple[AlertKind, UUID]


@dataclass(frozen=True)
class Finding:
    """A condition that holds now. `site_id` None: it concerns the whole installation."""

    kind: AlertKind
    site_id: UUID | None
    subject_type: str
    subject_id: UUID
    subject_name: str
    sentence: str

    @property
    def key(self) -> Key:
        return self.kind, self.subject_id


@dataclass(frozen=True)
class Findings:
    found: tuple[Finding, ...] = ()
    unknown: frozenset[Key] = frozenset()


@dataclass(frozen=True)
class CameraFact:
    """`problem`: None where the box said nothing about the camera lately, "" while it runs."""

    id: UUID
    name: str
    problem: str | None


@dataclass(frozen=True)
class BoxFact:
    """`rolled_back`: why the box runs another bundle than the one it was given, "" where it did not give it up.

    `samples_lost`: statistics that it lost within the last hour. `refusal`: why the server lets it not connect.
    `frames_lost`: which query loses too many of its frames, a sentence, "" where none does.
    """

    id: UUID
    site_id: UUID
    name: str
    is_offline: bool
    last_seen_at: datetime | None
    rolled_back: str = ""
    samples_lost: int = 0
    refusal: str = ""
    frames_lost: str = ""
    cameras: tuple[CameraFact, ...] = ()


@dataclass(frozen=True)
class JobFact:
    """`site_id` None where what it works on is gone."""

    job: Job
    site_id: UUID | None
    words: str


@dataclass(frozen=True)
class QueueFact:
    """`has_worker`: one was heard of lately. `is_busy`: one holds a job of it."""

    name: str
    has_worker: bool
    is_busy: bool


@dataclass(frozen=True)
class Facts:
    boxes: tuple[BoxFact, ...] = ()
    jobs: tuple[JobFact, ...] = ()
    queues: tuple[QueueFact, ...] = ()
    others: tuple[Finding, ...] = field(default=())  # what another app has judged already


def findings(facts: Facts, now: datetime) -> Findings:
    found = [*_boxes(facts.boxes), *_workers(facts.queues), *_jobs(facts, now), *facts.others]
    return Findings(tuple(found), frozenset(_unknown(facts.boxes)))


def _unknown(boxes: Iterable[BoxFact]) -> Iterator[Key]:
    for box in boxes:
        if box.is_offline:
            yield AlertKind.FRAMES_LOST, box.id
        for camera in box.cameras:
            if box.is_offline or camera.problem is None:
                yield AlertKind.CAMERA_DEAD, camera.id


def _boxes(boxes: Iterable[BoxFact]) -> Iterator[Finding]:
    for box in boxes:
        subject = (box.site_id, "box", box.id, box.name)
        if box.is_offline:
            since = f"since {box.last_seen_at:%Y-%m-%d %H:%M:%S} UTC" if box.last_seen_at else "since it joined"
            silence = f"The server has heard nothing from {box.name} {since}; it goes on with what it last got."
            sentence = f"{box.name} cannot connect. {box.refusal}" if box.refusal else silence
            yield Finding(AlertKind.BOX_OFFLINE, *subject, sentence)
            continue
        if box.rolled_back:
            yield Finding(AlertKind.BUNDLE_ROLLED_BACK, *subject, f"{box.name}: {box.rolled_back}")
        if box.frames_lost:
            yield Finding(AlertKind.FRAMES_LOST, *subject, f"{box.name}: {box.frames_lost}")
        if box.samples_lost:
            sentence = (
                f"{box.name} lost {box.samples_lost} samples of statistics within the last hour: it was away for "
                "longer than its spool holds, or its disk failed. Charts and counts have a gap there."
            )
            yield Finding(AlertKind.STATISTICS_LOST, *subject, sentence)
        for camera in box.cameras:
            if camera.problem:
                sentence = f"{camera.name} on {box.name} gives no pictures: {camera.problem}"
                yield Finding(AlertKind.CAMERA_DEAD, box.site_id, "camera", camera.id, camera.name, sentence)


def _workers(queues: Iterable[QueueFact]) -> Iterator[Finding]:
    for queue in queues:
        if queue.name == "gpu" and not queue.has_worker:
            sentence = "No worker for merge runs (queue gpu) was heard of: merge runs wait until one is started."
            yield Finding(AlertKind.WORKER_MISSING, None, "worker", GPU_WORKER, "worker gpu", sentence)


def _jobs(facts: Facts, now: datetime) -> Iterator[Finding]:
    busy = {queue.name for queue in facts.queues if queue.is_busy}
    for fact in facts.jobs:
        why = _stuck(fact.job, fact.job.queue in busy, now)
        if why:
            yield Finding(AlertKind.JOB_STUCK, fact.site_id, "job", fact.job.id, fact.words, f"{fact.words} {why}")


def _stuck(job: Job, is_queue_busy: bool, now: datetime) -> str:
    """A queued job may wait for others of its queue as long as these take."""
    if job.state == JobState.RUNNING and job.lease_expires_at and job.lease_expires_at < now - LEASE_OVERDUE_MAX:
        return "is held by a worker that was not heard of since, and no other has taken it over."
    if job.state == JobState.QUEUED and not is_queue_busy and job.created_at < now - QUEUED_MAX:
        return f"has waited since {job.created_at:%Y-%m-%d %H:%M} UTC although no worker of its queue is busy."
    return ""
