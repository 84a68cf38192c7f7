"""What is known of the fleet now, gathered from the apps below for the conditions."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from webapp.alerts.conditions import (
    LEASE_OVERDUE_MAX,
    QUEUED_MAX,
    BoxFact,
    CameraFact,
    Facts,
    Finding,
    JobFact,
    QueueFact,
)
from webapp.alerts.models import AlertKind
from webapp.drift.models import Drift
from webapp.drift.policies import sentence_of
from webapp.drift.selectors import drifts_open
from webapp.fleets.models import Box, Camera
from webapp.jobs.models import Job
from webapp.jobs.selectors import jobs_overdue, queues_busy, queues_with_workers
from webapp.merges.models import MergeRun
from webapp.merges.task_names import GPU_QUEUE
from webapp.rollouts.selectors import box_statuses
from webapp.rollouts.status import BoxStatus, Connection
from webapp.telemetry.selectors import cameras_told, samples_dropped, samples_heard
from webapp.workloads.models import Dataset, Model
from webapp.workloads.task_names import LIGHT_QUEUE

HEARD_WITHIN = timedelta(seconds=30)
LOST_WITHIN = timedelta(hours=1)


def gather(now: datetime) -> Facts:
    with_workers, busy = queues_with_workers(now), queues_busy(now)
    drifts = drifts_open()
    return Facts(
        boxes=_boxes(now),
        jobs=_jobs(jobs_overdue(now, QUEUED_MAX, LEASE_OVERDUE_MAX)),
        others=tuple(map(_drift, drifts)),
        queues=tuple(QueueFact(name, name in with_workers, name in busy) for name in (GPU_QUEUE, LIGHT_QUEUE)),
    )


def _boxes(now: datetime) -> tuple[BoxFact, ...]:
    boxes = list(Box.objects.exclude(enrolled_at=None))
    statuses = box_statuses(boxes, now)
    newest = samples_heard(now - HEARD_WITHIN)
    said = cameras_told(newest)
    cameras: dict[UUID, list[CameraFact]] = {}
    for camera_id, name, box_id in Camera.objects.values_list("id", "name", "box_id"):
        cameras.setdefault(box_id, []).append(CameraFact(camera_id, name, said.get(str(camera_id))))
    lost = {sample.box_id: samples_dropped(sample, now - LOST_WITHIN) for sample in newest}
    return tuple(_box(box, statuses[box.id], lost.get(box.id, 0), tuple(cameras.get(box.id, ()))) for box in boxes)


def _box(box: Box, status: BoxStatus, samples_lost: int, cameras: tuple[CameraFact, ...]) -> BoxFact:
    return BoxFact(
        id=box.id,
        site_id=box.site_id,
        name=box.name,
        is_offline=status.connection is Connection.OFFLINE,
        last_seen_at=status.since,
        rolled_back=(" ".join(status.reasons) or "It gave up its newest bundle.") if status.has_refused else "",
        samples_lost=samples_lost,
        refusal=box.refusal,
        frames_lost=status.lost,
        cameras=cameras,
    )


def _drift(drift: Drift) -> Finding:
    """One alert goes with a drift all the way: its sentence says how far it is."""
    subject = ("query", drift.query_id) if drift.query_id else ("box", drift.box_id)
    name = f"{drift.query_name} on {drift.box.name}"
    return Finding(AlertKind.ACCURACY_BELOW_TARGET, drift.site_id, *subject, name, sentence_of(drift))


def _jobs(jobs: Iterable[Job]) -> tuple[JobFact, ...]:
    """With the sites of what they work on, one query per kind of subject."""
    jobs = list(jobs)
    if not jobs:
        return ()
    subjects = [job.subject for job in jobs]
    sites: dict[UUID, UUID] = {}
    for model, path in ((MergeRun, "box__site_id"), (Dataset, "camera__box__site_id"), (Model, "site_id")):
        sites |= dict(model.objects.filter(id__in=subjects).values_list("id", path))
    sites |= dict(Box.objects.filter(id__in=subjects).values_list("id", "site_id"))
    sites |= dict(Camera.objects.filter(id__in=subjects).values_list("id", "box__site_id"))
    return tuple(JobFact(job, sites.get(job.subject), f"The work {job.task}") for job in jobs)
