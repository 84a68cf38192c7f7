from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from webapp.alerts.conditions import (
    BoxFact,
    CameraFact,
    Facts,
    JobFact,
    QueueFact,
    findings,
)
from webapp.alerts.models import AlertKind
from webapp.jobs.models import Job, JobState

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
SITE = uuid4()
QUEUES = (QueueFact("gpu", has_worker=True, is_busy=False), QueueFact("light", has_worker=True, is_busy=False))


def box(is_offline=False, rolled_back="", cameras=()):
    seen = NOW - timedelta(minutes=5) if is_offline else NOW
    return BoxFact(uuid4(), SITE, "north gate", is_offline, seen, rolled_back, cameras=tuple(cameras))


def kinds(*, boxes=(), jobs=(), queues=QUEUES):
    return [finding.kind for finding in findings(Facts(tuple(boxes), tuple(jobs), queues), NOW).found]


def job(state, *, age=timedelta(0), queue="light", lease=None):
    made = Job(task="models.check", queue=queue, subject=uuid4(), state=state, created_at=NOW - age)
    made.lease_expires_at = lease
    return JobFact(made, SITE, "The work models.check")


def test_finds_nothing_where_all_is_well():
    camera = CameraFact(uuid4(), "entry", "")
    assert kinds(boxes=[box(cameras=[camera])]) == []


def test_an_offline_box_is_one_alert_and_its_cameras_stay_as_they_are():
    camera = CameraFact(uuid4(), "entry", "it is connecting.")
    offline = box(is_offline=True, cameras=[camera])
    found = findings(Facts((offline,), queues=QUEUES), NOW)
    assert [finding.kind for finding in found.found] == [AlertKind.BOX_OFFLINE]
    assert "11:55:00" in found.found[0].sentence
    assert found.unknown == {(AlertKind.CAMERA_DEAD, camera.id), (AlertKind.FRAMES_LOST, offline.id)}


def test_a_box_that_may_not_connect_says_why():
    refused = replace(box(is_offline=True), refusal="The box speaks protocol 7-8: update the server.")
    (found,) = findings(Facts((refused,), queues=QUEUES), NOW).found
    assert found.sentence == "north gate cannot connect. The box speaks protocol 7-8: update the server."


def test_a_camera_that_gives_no_pictures_is_named_with_its_problem():
    camera = CameraFact(uuid4(), "entry", "the camera refuses connections.")
    (found,) = findings(Facts((box(cameras=[camera]),), queues=QUEUES), NOW).found
    assert (found.kind, found.subject_id) == (AlertKind.CAMERA_DEAD, camera.id)
    assert found.sentence == "entry on north gate gives no pictures: the camera refuses connections."


def test_a_camera_that_the_box_has_not_spoken_of_is_unknown():
    camera = CameraFact(uuid4(), "entry", None)
    found = findings(Facts((box(cameras=[camera]),), queues=QUEUES), NOW)
    assert found.found == ()
    assert found.unknown == {(AlertKind.CAMERA_DEAD, camera.id)}


def test_a_box_that_gave_up_its_bundle_is_found():
    assert kinds(boxes=[box(rolled_back="Bundle 3 lost 80 % of the frames.")]) == [AlertKind.BUNDLE_ROLLED_BACK]


def test_a_box_that_lost_statistics_is_found_with_how_many():
    lost = replace(box(), samples_lost=1234)
    (found,) = findings(Facts((lost,), queues=QUEUES), NOW).found
    assert found.kind == AlertKind.STATISTICS_LOST
    assert "lost 1234 samples" in found.sentence


def test_a_box_that_loses_frames_is_found_with_the_query_that_loses_most():
    losing = replace(box(), frames_lost="Query cars lost 40% of its frames.")
    (found,) = findings(Facts((losing,), queues=QUEUES), NOW).found
    assert (found.kind, found.subject_id) == (AlertKind.FRAMES_LOST, losing.id)
    assert found.sentence == "north gate: Query cars lost 40% of its frames."


def test_what_an_offline_box_lost_before_is_neither_told_nor_over():
    losing = replace(box(is_offline=True), frames_lost="Query cars lost 40% of its frames.")
    found = findings(Facts((losing,), queues=QUEUES), NOW)
    assert [finding.kind for finding in found.found] == [AlertKind.BOX_OFFLINE]
    assert (AlertKind.FRAMES_LOST, losing.id) in found.unknown


def test_a_missing_worker_for_merge_runs_is_found_and_concerns_the_installation():
    queues = (QueueFact("gpu", has_worker=False, is_busy=False),)
    (found,) = findings(Facts(queues=queues), NOW).found
    assert (found.kind, found.site_id) == (AlertKind.WORKER_MISSING, None)


def test_a_queued_job_may_wait_while_another_of_its_queue_runs():
    waiting = job(JobState.QUEUED, age=timedelta(hours=5), queue="gpu")
    busy = (QueueFact("gpu", has_worker=True, is_busy=True),)
    assert kinds(jobs=[waiting], queues=busy) == []
    assert kinds(jobs=[waiting]) == [AlertKind.JOB_STUCK]
    assert kinds(jobs=[job(JobState.QUEUED, age=timedelta(minutes=9))]) == []


def test_a_running_job_whose_worker_was_not_heard_of_is_stuck():
    assert kinds(jobs=[job(JobState.RUNNING, lease=NOW - timedelta(minutes=3))]) == [AlertKind.JOB_STUCK]
    assert kinds(jobs=[job(JobState.RUNNING, lease=NOW - timedelta(minutes=1))]) == []
