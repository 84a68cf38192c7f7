"""A merged group that loses accuracy, from the box's statistics to a new merge that is decided about."""

from datetime import timedelta

import pytest

from edge_runtime.protocol.messages import MemorySample, QuerySample, Stats
from edge_runtime.protocol.target import Privacy
from tests.integration.server.conftest import NOW
from tests.integration.server.test_server_merges import finish
from webapp.accuracy.models import AccuracyMinute
from webapp.accuracy.services import accuracy_prune
from webapp.alerts.conditions import findings
from webapp.alerts.facts import gather
from webapp.alerts.models import Alert, AlertKind
from webapp.alerts.services import alerts_evaluate
from webapp.common.errors import NotAllowed
from webapp.drift.models import Drift, DriftState, Response
from webapp.drift.selectors import live_accuracies
from webapp.drift.services import drift_settings_update, drifts_follow
from webapp.fleets.models import Role
from webapp.fleets.services import camera_update
from webapp.jobs.services import worker_seen
from webapp.merges.models import RELATIVE_ACCURACY, MergedGroupQuery, MergedGroupState, Verdict
from webapp.merges.services import merge_run_start, merged_group_decide
from webapp.rollouts.services import bundle_publish
from webapp.telemetry.services import stats_record
from workers.tasks.merge_files import named_queries, write_workload

SECOND = timedelta(seconds=1)
MEMORY = MemorySample(budget=100, private=40, shared=20, activations=10, overhead=5, free=25, rss=500)
RIGHT, WRONG = (2, 0), (0, 2)


@pytest.fixture
def merged(fleet):
    """Two queries that run one approved merged group since NOW; a window of two minutes, ten frames at least."""
    for name in ("cars", "trucks"):
        fleet.query(name)
    fleet.dataset()
    bundle_publish(box=fleet.box, now=NOW - 10 * SECOND)
    run = merge_run_start(actor=None, box=fleet.box, now=NOW)
    fleet.group = finish(run, "cars", "trucks")
    merged_group_decide(actor=None, group=fleet.group, verdict=Verdict.APPROVE, now=NOW)
    fleet.bundle = bundle_publish(box=fleet.box, now=NOW)
    wish(fleet, Response.MERGE)
    return fleet


def wish(fleet, response):
    numbers = {"window_s": 120, "frames_min": 10, "merge_frames": 100, "merge_span_s": 60}
    drift_settings_update(actor=None, site=fleet.site, response=response, now=NOW, **numbers)


def score(fleet, seconds, *scored, name="cars", version=None):
    """One message of the box, `seconds` after NOW, with these frames of one query scored."""
    query = fleet.camera.queries.get(name=name)
    part = QuerySample(str(query.id), 10, 10, 0, 0, 20.0, 40.0, 0, 0.0, 0.9, 5, scored=scored)
    at = NOW + seconds * SECOND
    version = fleet.bundle.version if version is None else version
    stats = Stats(f"boot {name}", int(seconds), at.timestamp(), 1.0, version, MEMORY, (part,))
    return stats_record(box=fleet.box, stats=stats, now=at)


def follow(seconds):
    drifts_follow(now=NOW + seconds * SECOND)


def alerts(seconds):
    at = NOW + seconds * SECOND
    worker_seen(name="w", queues=["gpu", "light"], now=at)
    alerts_evaluate(findings=findings(gather(at), at), now=at)
    return list(Alert.objects.filter(kind=AlertKind.ACCURACY_BELOW_TARGET, closed_at=None))


def test_frames_are_added_up_once_and_only_those_of_the_group_that_runs_count(merged):
    score(merged, 1, *[WRONG] * 20, version=merged.bundle.version - 1)
    score(merged, 2, RIGHT, RIGHT, WRONG)
    assert not score(merged, 2, RIGHT, RIGHT, WRONG)
    (live,) = (live for live in live_accuracies(NOW + 3 * SECOND) if live.running.query.name == "cars")
    assert (live.window.frames, round(live.window.value, 3)) == (3, 0.667)
    assert live.bar == 0.9
    assert AccuracyMinute.objects.count() == 2
    assert accuracy_prune(now=NOW + timedelta(days=4)) == 2


def test_old_frames_leave_the_window(merged):
    score(merged, 1, *[WRONG] * 20)
    assert {live.is_drifting for live in live_accuracies(NOW + 60 * SECOND)} == {True, False}
    assert {live.is_drifting for live in live_accuracies(NOW + 240 * SECOND)} == {False}


def test_a_group_that_keeps_its_accuracy_stays(merged):
    score(merged, 1, *[RIGHT] * 18, WRONG, WRONG)
    follow(2)
    assert not Drift.objects.exists()


def test_a_site_that_wants_to_be_told_only_is_told_until_it_is_over(merged):
    wish(merged, Response.ALERT)
    score(merged, 1, *[WRONG] * 20)
    follow(2)
    (alert,) = alerts(3)
    assert "Nothing was changed, as the site wishes." in alert.sentence
    merged.group.refresh_from_db()
    assert merged.group.state == MergedGroupState.APPROVED
    follow(300)
    assert Drift.objects.get().ended_at is not None


def test_where_privacy_keeps_pictures_the_originals_run_on_and_people_are_told_why(merged):
    score(merged, 1, *[WRONG] * 20)
    camera_update(actor=None, camera=merged.camera, privacy=Privacy.OFF.value, now=NOW)
    follow(2)
    follow(3)
    drift = Drift.objects.get()
    assert (drift.state, "keeps pictures on the box" in drift.problem) == (DriftState.FAILED, True)
    (alert,) = alerts(4)
    assert "keeps pictures on the box" in alert.sentence
    follow(2 * 86_400)
    assert Drift.objects.get().state == DriftState.ENDED


def test_a_group_judged_on_labels_is_held_against_its_own_beginning(merged):
    MergedGroupQuery.objects.filter(group=merged.group).update(basis=RELATIVE_ACCURACY)
    score(merged, 1, *[RIGHT] * 7, *[WRONG] * 3)  # as right as its original, in other frames
    score(merged, 70, *[RIGHT] * 14, *[WRONG] * 6)
    follow(71)
    assert not Drift.objects.exists()
    accuracy_prune(now=NOW + timedelta(days=5))  # the minutes of its beginning are forgotten, what they said is not
    days = 5 * 86_400
    score(merged, days, *[RIGHT] * 4, *[WRONG] * 26)
    follow(days + 1)
    assert Drift.objects.get().bar == pytest.approx(0.9 * 0.7)


def test_a_run_that_starts_from_a_group_hands_the_core_its_weights(merged, tmp_path):
    run = merge_run_start(actor=None, box=merged.box, starts_from=merged.group, now=NOW)
    queries = named_queries(run.run_queries.select_related("query", "model", "dataset"))
    path = write_workload(tmp_path, queries, run.starts_from)
    merged_files = sorted(file.name for file in tmp_path.glob("merged-*.safetensors"))
    assert len(merged_files) == 2
    assert all(f"merged: {name}" in path.read_text() for name in merged_files)
    assert b"one tensor for all" in (tmp_path / merged_files[0]).read_bytes()


def test_only_administrators_say_what_happens(fleet):
    with pytest.raises(NotAllowed):
        drift_settings_update(actor=fleet.people[Role.APPROVER], site=fleet.site, response="alert", now=NOW)
