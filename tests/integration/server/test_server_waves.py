"""A merged group goes from the box it was found on to others, wave by wave, and back."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from edge_runtime.protocol.manifest import distinct_tensors
from edge_runtime.protocol.messages import Report
from webapp.audit.models import AuditEvent
from webapp.common.blobs import blob_put
from webapp.common.errors import Conflict, InvalidInput, NotAllowed
from webapp.fleets.models import Box, Role
from webapp.fleets.services import box_create, box_enrol, box_seen, camera_create
from webapp.jobs.models import Job
from webapp.merges.models import MergedGroup, MergedGroupQuery, MergedGroupState, MergeRun, MergeRunState, PlacedMember
from webapp.merges.services import merged_group_decide
from webapp.rollouts.candidates import candidates
from webapp.rollouts.models import Bundle, Rollout, RolloutBox, RolloutState
from webapp.rollouts.selectors import current_bundle, manifest_of
from webapp.rollouts.services import (
    bundle_publish,
    bundle_retry,
    report_record,
    rollout_abort,
    rollout_advance,
    rollout_pause,
    rollout_resume,
    rollout_roll_back,
    rollout_start,
    rollouts_unsettled,
)
from webapp.rollouts.terms import Terms
from webapp.rollouts.windows import Window
from webapp.workloads.models import Query
from webapp.workloads.services import query_create, query_delete

from .conftest import HARDWARE

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
SHARED = b"one tensor for all"
FIGURES = {
    "accuracy_target": 0.9,
    "basis": "agreement",
    "merged_accuracy": 0.97,
    "validation_accuracy": 0.97,
    "validation_lower": 0.95,
    "validation_upper": 0.99,
}


class Yard:
    """A site whose boxes run the same two models. `group`: the merged group found on the first one."""

    def __init__(self, fleet: Any) -> None:
        self.fleet = fleet
        self.models = [fleet.model("cars", b"car model weights..."), fleet.model("trucks", b"truck model weights.")]
        for model in self.models:
            fleet.query(model.name, model)
        self.group = self.merged_group()

    def box(self, name: str, **changes: Any) -> Box:
        """Enrolled, heard just now, running a first bundle."""
        _, code = box_create(actor=None, site=self.fleet.site, name=name, now=NOW)
        box, _ = box_enrol(code=code, hardware=HARDWARE, now=NOW)
        camera = camera_create(actor=None, box=box, name="gate", source="rtsp://cam/2", now=NOW)
        for model in self.models:
            values = {"name": model.name, "objects": ["car"], "accuracy_target": 0.9} | changes
            query_create(actor=None, camera=camera, model=model, now=NOW, **values)
        box_seen(box_id=box.id, now=NOW)
        runs(box, bundle_publish(box=box, now=NOW))
        return box

    def merged_group(self, state: MergedGroupState = MergedGroupState.APPROVED, content: bytes = SHARED) -> MergedGroup:
        run = MergeRun.objects.create(box=self.fleet.box, state=MergeRunState.SUCCEEDED, created_at=NOW)
        group = MergedGroup.objects.create(
            run=run, name="cars + trucks", state=state, bytes_before=40, bytes_after=18, created_at=NOW
        )
        tensors = {"head.weight": {"digest": blob_put(content), "dtype": "uint8", "shape": [len(content)]}}
        for query in Query.objects.filter(camera=self.fleet.camera):
            MergedGroupQuery.objects.create(
                group=group, query=query, model=query.model, name=query.name, tensors=tensors, **FIGURES
            )
        return group

    def roll_out(self, *boxes: Box, actor: Any = None, group: MergedGroup | None = None, **options: Any) -> Rollout:
        return rollout_start(actor=actor, group=group or self.group, boxes=boxes, now=NOW, **options)


@pytest.fixture
def yard(fleet: Any) -> Yard:
    return Yard(fleet)


def runs(box: Box, bundle: Bundle, **fields: Any) -> None:
    report_record(box=box, report=Report("running", "", bundle.manifest_digest, bundle.version, **fields), now=NOW)


def runs_what_is_wanted(*boxes: Box) -> None:
    for box in boxes:
        runs(box, current_bundle(box))


def gives_up(box: Box) -> None:
    """As a box does that went back to its last good bundle."""
    wanted = current_bundle(box)
    good = Bundle.objects.filter(box=box, version__lt=wanted.version).first()
    sentence = f"Cars got worse. It gave bundle {wanted.version} up."
    report = Report(
        "not at target", sentence, good.manifest_digest, good.version, refused_digest=wanted.manifest_digest
    )
    report_record(box=box, report=report, now=NOW)


def advance(rollout: Rollout, now: datetime = NOW) -> Rollout:
    rollout_advance(rollout_id=rollout.id, now=now)
    rollout.refresh_from_db()
    return rollout


def states(rollout: Rollout) -> dict[str, str]:
    return {row.box.name: row.state for row in RolloutBox.objects.filter(rollout=rollout).select_related("box")}


def merged_in(box: Box) -> set[str | None]:
    return {entry.merged_group for entry in manifest_of(current_bundle(box)).models}


def test_goes_wave_by_wave_and_finishes(yard: Yard) -> None:
    boxes = [yard.box(name) for name in ("a", "b", "c")]
    rollout = yard.roll_out(*boxes, canary=boxes[1], terms=Terms(percentages=(50, 100)))

    assert states(advance(rollout)) == {"a": "waiting", "b": "updating", "c": "waiting"}
    runs_what_is_wanted(*boxes)
    assert states(advance(rollout)) == {"a": "updating", "b": "succeeded", "c": "waiting"}
    assert merged_in(boxes[2]) == {None}
    runs_what_is_wanted(*boxes)
    advance(rollout)
    runs_what_is_wanted(*boxes)

    assert advance(rollout).state == RolloutState.FINISHED
    assert set(states(rollout).values()) == {"succeeded"}
    assert [merged_in(box) for box in boxes] == 3 * [{str(yard.group.id)}]
    assert AuditEvent.objects.filter(subject_id=rollout.id).count() == 2


def test_boxes_with_the_same_workload_name_the_same_tensors_under_manifests_of_their_own(yard: Yard) -> None:
    boxes = [yard.box(name) for name in ("a", "b")]
    advance(yard.roll_out(*boxes, terms=Terms(percentages=(100,))))
    first, second = (manifest_of(current_bundle(box)) for box in boxes)

    def digests(manifest: Any) -> set[str]:
        return set(distinct_tensors(*(entry.tensors for entry in manifest.models)))

    assert digests(first) == digests(second)
    assert len(digests(first)) == 1
    assert first.box != second.box
    assert current_bundle(boxes[0]).size_bytes == len(SHARED)


def test_a_bundle_on_trial_has_not_succeeded(yard: Yard) -> None:
    box = yard.box("a")
    rollout = advance(yard.roll_out(box))
    runs(box, current_bundle(box), is_confirmed=False)
    assert states(advance(rollout)) == {"a": "updating"}


def test_a_report_that_settles_a_box_has_the_rollout_looked_at(yard: Yard) -> None:
    box = yard.box("a")
    rollout = advance(yard.roll_out(box))
    jobs = Job.objects.filter(task="rollouts.advance", subject=rollout.id)
    before = jobs.count()
    runs(box, current_bundle(box), is_confirmed=False)
    assert jobs.count() == before
    runs_what_is_wanted(box)
    assert jobs.count() == before + 1


def test_a_failed_canary_pauses_it_and_no_other_box_is_touched(yard: Yard) -> None:
    boxes = [yard.box(name) for name in ("a", "b")]
    rollout = advance(yard.roll_out(*boxes, canary=boxes[0]))
    gives_up(boxes[0])

    assert advance(rollout).state == RolloutState.PAUSED
    assert rollout.pause_reason == "1 of 1 box in wave 1 of 2 failed, none tolerated."
    assert states(rollout) == {"a": "failed", "b": "waiting"}
    assert "Cars got worse." in rollout.boxes.get(box=boxes[0]).sentence
    assert boxes[1].bundles.count() == 1
    assert AuditEvent.objects.get(action="rollout.pause").actor is None
    assert rollouts_unsettled() == []


def test_a_failed_box_that_is_tried_again_may_succeed(yard: Yard) -> None:
    box = yard.box("a")
    rollout = advance(yard.roll_out(box))
    gives_up(box)
    advance(rollout)
    bundle_retry(actor=None, box=box, now=NOW)
    runs_what_is_wanted(box)
    assert states(advance(rollout)) == {"a": "succeeded"}
    rollout_resume(actor=None, rollout=rollout, now=NOW)
    assert advance(rollout).state == RolloutState.FINISHED


def test_resuming_goes_on_without_the_boxes_that_failed(yard: Yard) -> None:
    boxes = [yard.box(name) for name in ("a", "b")]
    rollout = advance(yard.roll_out(*boxes, canary=boxes[0]))
    gives_up(boxes[0])
    advance(rollout)
    rollout_resume(actor=None, rollout=rollout, now=NOW)
    assert states(advance(rollout)) == {"a": "failed", "b": "updating"}
    runs_what_is_wanted(boxes[1])
    assert advance(rollout).state == RolloutState.FINISHED


def test_aborting_leaves_good_boxes_alone_and_takes_the_bundle_from_the_others(yard: Yard) -> None:
    good, bad, late = (yard.box(name) for name in ("a", "b", "c"))
    rollout = advance(yard.roll_out(good, bad, late, terms=Terms(percentages=(100,))))
    runs_what_is_wanted(good)
    gives_up(bad)
    advance(rollout)
    rollout_abort(actor=None, rollout=rollout, now=NOW)
    assert rollouts_unsettled() == [rollout.id]
    advance(rollout)

    assert states(rollout) == {"a": "succeeded", "b": "rolled back", "c": "rolled back"}
    assert [merged_in(box) for box in (good, bad, late)] == [{str(yard.group.id)}, {None}, {None}]
    assert current_bundle(bad).version == 1  # what it runs already: nothing to fetch, nothing to switch
    assert rollouts_unsettled() == []


def test_rolling_back_brings_every_box_to_what_it_ran_before(yard: Yard) -> None:
    boxes = [yard.box(name) for name in ("a", "b")]
    before = [manifest_of(current_bundle(box)).models for box in boxes]
    rollout = advance(yard.roll_out(*boxes, terms=Terms(percentages=(100,))))
    runs_what_is_wanted(*boxes)
    assert advance(rollout).state == RolloutState.FINISHED

    rollout_roll_back(actor=None, rollout=rollout, now=NOW)
    advance(rollout)

    assert set(states(rollout).values()) == {"rolled back"}
    assert [manifest_of(current_bundle(box)).models for box in boxes] == before
    assert not PlacedMember.objects.exists()
    yard.group.refresh_from_db()
    assert yard.group.state == MergedGroupState.APPROVED  # the box it was found on keeps it


def test_rolling_back_a_later_merged_group_brings_back_the_one_before(yard: Yard) -> None:
    box = yard.box("a")
    first = advance(yard.roll_out(box))
    runs_what_is_wanted(box)
    advance(first)
    MergedGroup.objects.update(state=MergedGroupState.SUPERSEDED)
    later = yard.merged_group(content=b"a later merge")
    second = advance(yard.roll_out(box, group=later), NOW + timedelta(seconds=20))
    assert merged_in(box) == {str(later.id)}
    runs_what_is_wanted(box)
    advance(second)

    rollout_roll_back(actor=None, rollout=second, now=NOW)
    advance(second)

    assert merged_in(box) == {str(yard.group.id)}


def test_nothing_starts_before_the_window_opens(yard: Yard) -> None:
    box = yard.box("a")
    rollout = yard.roll_out(box, terms=Terms(window=Window(time(22), time(4), "Europe/Berlin")))
    assert states(advance(rollout)) == {"a": "waiting"}
    night = NOW.replace(hour=20)  # 22:00 there
    box_seen(box_id=box.id, now=night)
    assert states(advance(rollout, night)) == {"a": "updating"}


def test_a_box_that_is_offline_starts_when_it_is_back(yard: Yard) -> None:
    box = yard.box("a")
    rollout = yard.roll_out(box)
    later = NOW + timedelta(minutes=5)
    assert states(advance(rollout, later)) == {"a": "waiting"}
    box_seen(box_id=box.id, now=later)
    assert states(advance(rollout, later)) == {"a": "updating"}


def test_a_paused_rollout_starts_nothing_and_what_is_under_way_is_noted(yard: Yard) -> None:
    boxes = [yard.box(name) for name in ("a", "b")]
    rollout = advance(yard.roll_out(*boxes, canary=boxes[0]))
    rollout_pause(actor=yard.fleet.people[Role.OPERATOR], rollout=rollout, now=NOW)
    runs_what_is_wanted(boxes[0])
    assert states(advance(rollout)) == {"a": "succeeded", "b": "waiting"}
    assert rollout.pause_reason == "operator-of-harbour paused it."


def test_a_merged_group_that_is_reverted_where_it_was_found_goes_no_further(yard: Yard) -> None:
    boxes = [yard.box(name) for name in ("a", "b")]
    rollout = advance(yard.roll_out(*boxes, canary=boxes[0]))
    merged_group_decide(actor=None, group=yard.group, verdict="revert", now=NOW)
    runs_what_is_wanted(boxes[0])
    assert advance(rollout).state == RolloutState.PAUSED
    assert rollout.pause_reason == "The merged group is reverted on box of harbour."
    with pytest.raises(Conflict, match="Abort the rollout or roll it back"):
        rollout_resume(actor=None, rollout=rollout, now=NOW)
    assert states(rollout) == {"a": "succeeded", "b": "waiting"}


def test_a_box_whose_queries_have_changed_fails_and_keeps_what_it_runs(yard: Yard) -> None:
    box = yard.box("a")
    rollout = yard.roll_out(box)
    query_delete(actor=None, query=Query.objects.get(camera__box=box, name="trucks"), now=NOW)
    assert advance(rollout).state == RolloutState.RUNNING
    assert advance(rollout).state == RolloutState.PAUSED
    assert "Its queries have changed" in rollout.boxes.get().sentence
    assert not PlacedMember.objects.exists()


def test_models_whose_files_are_gone_fail_the_box_and_not_the_rollout_itself(yard: Yard) -> None:
    box = yard.box("a")
    rollout = yard.roll_out(box)
    tensors = {"w": {"digest": "0" * 64, "dtype": "float32", "shape": [1]}}
    MergedGroupQuery.objects.filter(group=yard.group).update(tensors=tensors)
    assert states(advance(rollout)) == {"a": "failed"}
    assert "missing in the artifact store" in rollout.boxes.get().sentence
    assert merged_in(box) == {None}


def test_says_which_boxes_have_the_same_workload_and_why_others_have_not(yard: Yard) -> None:
    yard.box("fits", rate_fps=1.0)
    yard.box("stricter", accuracy_target=0.96)
    half = yard.box("half")
    Query.objects.get(camera__box=half, name="trucks").delete()
    box_create(actor=None, site=yard.fleet.site, name="empty", now=NOW)
    found = {one.box.name: one.problem for one in candidates(yard.group)}
    assert next(iter(found)) == "fits"
    assert found["fits"] == ""
    assert found["stricter"] == "cars keeps 96.0 % of its accuracy there, more than cars was approved for."
    assert found["half"] == "It has no query with the model trucks left for trucks."
    assert set(found) == {"fits", "stricter", "half"}


def test_two_rollouts_never_hold_the_same_box(yard: Yard) -> None:
    box = yard.box("a")
    rollout = advance(yard.roll_out(box))
    with pytest.raises(InvalidInput, match=r"a cannot get the merged group\. It runs this merged group already"):
        yard.roll_out(box)
    with pytest.raises(InvalidInput, match=r"The rollout of cars \+ trucks is not done with it"):
        yard.roll_out(box, group=yard.merged_group(content=b"another"))
    rollout_abort(actor=None, rollout=rollout, now=NOW)
    advance(rollout)
    yard.roll_out(box)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"boxes": 0}, InvalidInput, "at least one box"),
        ({"canary": True}, InvalidInput, "is not one of the chosen"),
        ({"home": True}, InvalidInput, "does not run the models"),
        ({"waiting": True}, Conflict, "only an approved one"),
    ],
)
def test_refuses_what_cannot_be_rolled_out(yard: Yard, change: dict[str, Any], error: type, words: str) -> None:
    boxes = [yard.box("a")][: change.get("boxes", 1)]
    boxes += [yard.fleet.box] if change.get("home") else []
    canary = yard.box("b") if change.get("canary") else None
    group = yard.merged_group(MergedGroupState.WAITING) if change.get("waiting") else None
    with pytest.raises(error, match=words):
        yard.roll_out(*boxes, canary=canary, group=group)
    assert not Rollout.objects.exists()


def test_only_approvers_change_what_boxes_run_and_operators_may_pause(yard: Yard) -> None:
    box = yard.box("a")
    operator, viewer = yard.fleet.people[Role.OPERATOR], yard.fleet.people[Role.VIEWER]
    with pytest.raises(NotAllowed):
        yard.roll_out(box, actor=operator)
    rollout = yard.roll_out(box, actor=yard.fleet.people[Role.APPROVER])
    with pytest.raises(NotAllowed):
        rollout_pause(actor=viewer, rollout=rollout, now=NOW)
    rollout_pause(actor=operator, rollout=rollout, now=NOW)
    for service in (rollout_resume, rollout_abort, rollout_roll_back):
        with pytest.raises(NotAllowed):
            service(actor=operator, rollout=rollout, now=NOW)
    rollout.refresh_from_db()
    assert rollout.state == RolloutState.PAUSED


def test_a_merge_of_the_box_itself_takes_the_place_of_a_group_that_was_rolled_out_to_it(yard: Yard) -> None:
    box = yard.box("a")
    rollout = advance(yard.roll_out(box))
    runs_what_is_wanted(box)
    advance(rollout)
    run = MergeRun.objects.create(box=box, state=MergeRunState.SUCCEEDED, created_at=NOW)
    own = MergedGroup.objects.create(run=run, name="own", bytes_before=1, bytes_after=1, created_at=NOW)
    tensors = MergedGroupQuery.objects.filter(group=yard.group).first().tensors
    for query in Query.objects.filter(camera__box=box):
        MergedGroupQuery.objects.create(
            group=own, query=query, model=query.model, name=query.name, tensors=tensors, **FIGURES
        )
    merged_group_decide(actor=None, group=own, verdict="approve", now=NOW)
    bundle_publish(box=box, now=NOW)
    assert merged_in(box) == {str(own.id)}
    assert not PlacedMember.objects.exists()


def test_a_box_that_was_faster_than_its_rollback_gets_what_is_wanted_now(yard: Yard) -> None:
    box = yard.box("a")
    rollout = advance(yard.roll_out(box))
    taken = current_bundle(box)
    rollout_abort(actor=None, rollout=rollout, now=NOW)
    advance(rollout)
    assert current_bundle(box).version == 1
    jobs = Job.objects.filter(task="rollouts.publish_bundle", subject=box.id)
    before = jobs.count()
    runs(box, taken)
    assert jobs.count() == before + 1
    bundle_publish(box=box, now=NOW)
    assert merged_in(box) == {None}
