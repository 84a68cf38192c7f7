"""Merged groups that a rollout brought to further boxes: watched there, and taken off the box on which they fall."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from edge_runtime.protocol.messages import MemorySample, QuerySample, Stats
from tests.integration.server.conftest import NOW
from tests.integration.server.test_server_waves import Yard, advance, merged_in, runs_what_is_wanted, states
from webapp.alerts.conditions import findings
from webapp.alerts.facts import gather
from webapp.alerts.models import AlertKind
from webapp.audit.models import AuditEvent
from webapp.drift.models import Drift, DriftState, Response
from webapp.drift.selectors import live_accuracies
from webapp.drift.services import drift_settings_update, drifts_follow
from webapp.fleets.models import Box
from webapp.merges.models import MergedGroupState, MergeRun, PlacedMember, Verdict
from webapp.merges.services import merged_group_decide
from webapp.rollouts.models import Rollout
from webapp.rollouts.selectors import current_bundle
from webapp.rollouts.services import bundle_publish
from webapp.rollouts.terms import Terms
from webapp.telemetry.services import stats_record
from webapp.workloads.models import Dataset, Query

SECOND = timedelta(seconds=1)
MEMORY = MemorySample(budget=100, private=40, shared=20, activations=10, overhead=5, free=25, rss=500)
RIGHT, WRONG = (2, 0), (0, 2)


@pytest.fixture
def yard(fleet: Any) -> Yard:
    """An approved merged group; a window of two minutes, ten frames at least."""
    made = Yard(fleet)
    made.group.state = MergedGroupState.WAITING
    made.group.save()
    merged_group_decide(actor=None, group=made.group, verdict=Verdict.APPROVE, now=NOW)
    bundle_publish(box=fleet.box, now=NOW)
    wish(made, Response.MERGE)
    return made


def wish(yard: Yard, response: Response) -> None:
    numbers = {"window_s": 120, "frames_min": 10, "merge_frames": 100, "merge_span_s": 60}
    drift_settings_update(actor=None, site=yard.fleet.site, response=response, now=NOW, **numbers)


def rolled_out(yard: Yard, *names: str) -> tuple[Rollout, list[Box]]:
    """Finished: every box runs it."""
    boxes = [yard.box(name) for name in names]
    rollout = yard.roll_out(*boxes, terms=Terms((100,)))
    advance(rollout, NOW + SECOND / 2)
    runs_what_is_wanted(*boxes)
    return advance(rollout), boxes


def score(box: Box, seconds: int, *scored: tuple[int, int]) -> None:
    """One message of the box, `seconds` after NOW, with these frames of its query "cars" scored."""
    query = Query.objects.get(camera__box=box, name="cars")
    part = QuerySample(str(query.id), 10, 10, 0, 0, 20.0, 40.0, 0, 0.0, 0.9, 5, scored=scored)
    at, bundle = NOW + seconds * SECOND, current_bundle(box)
    assert bundle is not None
    stats_record(box=box, stats=Stats("boot", seconds, at.timestamp(), 1.0, bundle.version, MEMORY, (part,)), now=at)


def follow(seconds: float) -> None:
    drifts_follow(now=NOW + seconds * SECOND)


def test_a_group_that_falls_on_a_further_box_leaves_that_box_only(yard: Yard) -> None:
    rollout, (bad, good) = rolled_out(yard, "bad", "good")
    score(bad, 1, *[RIGHT] * 6, *[WRONG] * 14)
    score(good, 1, *[RIGHT] * 20)
    score(yard.fleet.box, 1, *[RIGHT] * 20)
    follow(2)

    here = {str(yard.group.id)}
    assert (merged_in(bad), merged_in(good), merged_in(yard.fleet.box)) == ({None}, here, here)
    bundle = current_bundle(bad)
    assert bundle is not None
    assert bundle.reason.startswith("taken off: cars agreed with its original on 30.0 %")
    yard.group.refresh_from_db()
    assert yard.group.state == MergedGroupState.APPROVED
    assert states(rollout) == {"bad": "rolled back", "good": "succeeded"}
    assert "30.0 %" in rollout.boxes.get(box=bad).sentence
    event = AuditEvent.objects.get(action="merged_group.withdraw")
    assert (event.actor, event.detail["box"]) == (None, "bad")


def test_people_are_told_for_a_day_and_nothing_is_merged_anew(yard: Yard) -> None:
    _, (bad,) = rolled_out(yard, "bad")
    score(bad, 1, *[WRONG] * 20)
    for seconds in (2, 3, 4):
        follow(seconds)
    assert Drift.objects.get().state == DriftState.REVERTED
    found = findings(gather(NOW + 5 * SECOND), NOW + 5 * SECOND).found
    (alert,) = (one for one in found if one.kind == AlertKind.ACCURACY_BELOW_TARGET)
    assert alert.subject_name == "cars on bad"
    assert "taken off bad, which runs what it ran before; other boxes keep it" in alert.sentence
    assert (MergeRun.objects.count(), Dataset.objects.count()) == (1, 0)
    follow(86_403)
    assert Drift.objects.get().state == DriftState.ENDED


def test_a_rollout_that_goes_on_counts_the_box_as_failed_and_pauses(yard: Yard) -> None:
    boxes = [yard.box(name) for name in ("canary", "other")]
    rollout = yard.roll_out(*boxes, canary=boxes[0])
    advance(rollout)
    runs_what_is_wanted(boxes[0])
    advance(rollout)
    score(boxes[0], 1, *[WRONG] * 20)
    follow(2)
    assert advance(rollout).state == "paused"
    assert "1 of 1 box in wave 1 of 2 failed" in rollout.pause_reason
    assert rollout.boxes.get(box=boxes[0]).sentence.startswith("cars agreed with its original on 0.0 %")


def test_a_site_that_wants_to_be_told_only_keeps_it_there(yard: Yard) -> None:
    wish(yard, Response.ALERT)
    _, (bad,) = rolled_out(yard, "bad")
    score(bad, 1, *[WRONG] * 20)
    follow(2)
    assert Drift.objects.get().state == DriftState.FOUND
    assert PlacedMember.objects.filter(box=bad).count() == 2


def test_a_group_that_is_brought_back_is_watched_from_its_new_beginning(yard: Yard) -> None:
    _, (box,) = rolled_out(yard, "box")
    score(box, 1, *[WRONG] * 20)
    follow(2)
    advance(yard.roll_out(box), NOW + 2.5 * SECOND)
    follow(3)
    assert Drift.objects.get().state == DriftState.ENDED
    follow(4)
    assert Drift.objects.count() == 1
    score(box, 5, *[WRONG] * 20)
    follow(6)
    assert Drift.objects.count() == 2


def test_it_falls_where_it_was_found_and_further_boxes_are_judged_for_themselves(yard: Yard) -> None:
    _, (box,) = rolled_out(yard, "box")
    score(yard.fleet.box, 1, *[WRONG] * 20)
    score(box, 1, *[RIGHT] * 20)
    follow(2)
    yard.group.refresh_from_db()
    assert yard.group.state == MergedGroupState.REVERTED
    assert merged_in(box) == {str(yard.group.id)}
    score(box, 3, *[WRONG] * 100)
    follow(4)
    assert merged_in(box) == {None}


def test_watching_many_boxes_takes_no_more_statements_than_one(yard: Yard) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert live_accuracies(NOW + SECOND)
        return len(captured)

    one = statements()
    rolled_out(yard, "a", "b", "c")
    assert len(live_accuracies(NOW + SECOND)) == 8
    assert statements() == one
