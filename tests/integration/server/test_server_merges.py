"""From a request to a decision to a bundle, with the core's result given."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from edge_runtime.protocol.manifest import decode_manifest
from edge_runtime.protocol.messages import Report
from webapp.audit.models import AuditEvent
from webapp.common.blobs import blob_put
from webapp.common.errors import Conflict, NotAllowed
from webapp.fleets.models import Box, Role
from webapp.jobs.models import Job, JobState
from webapp.merges import services
from webapp.merges.models import MergedGroup, MergedGroupState, MergeRun, MergeRunState
from webapp.merges.selectors import groups_waiting, merge_requirements, merge_run_get
from webapp.merges.services.runs import DataMissing
from webapp.rollouts.selectors import box_status, box_statuses, manifest_of
from webapp.rollouts.services import BlobsMissing, bundle_publish, report_record
from webapp.rollouts.status import Connection, State
from webapp.workloads.models import Model, Query
from webapp.workloads.services import query_delete

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@pytest.fixture
def ready(fleet: Any) -> Any:
    """A box with three queries and enough data."""
    for name in ("cars", "trucks", "buses"):
        fleet.query(name)
    fleet.dataset()
    return fleet


def start(fleet: Any, actor: Any = None) -> MergeRun:
    return services.merge_run_start(actor=actor, box=fleet.box, now=NOW)


def finish(run: MergeRun, *names: str, content: bytes = b"one tensor for all", **ending: Any) -> MergedGroup:
    """Records one merged group of the named queries, which share one tensor."""
    tensors = {"head.weight": {"digest": blob_put(content), "dtype": "uint8", "shape": [len(content)]}}
    members = tuple(
        services.MemberFound(
            run_query=run.run_queries.get(name=name),
            tensors=tensors,
            basis="agreement",
            original_accuracy=None,
            merged_accuracy=0.97,
            validation=(0.97, 0.95, 0.99),
            test=None,
        )
        for name in names
    )
    group = services.GroupFound(48, 18, [{"size_bytes": 18, "members": dict.fromkeys(names, "head")}], members)
    found = {"groups": [group], "result": {}, "bytes_before": 48, "bytes_after": 18}
    services.merge_run_result_record(run=run, **found, **ending, now=NOW)
    return run.groups.get()


def approve(group: MergedGroup, actor: Any = None, verdict: str = "approve") -> None:
    services.merged_group_decide(actor=actor, group=group, verdict=verdict, now=NOW)


def running(box: Box) -> dict[str, str | None]:
    """Query name -> merged group in the newest bundle."""
    bundle = bundle_publish(box=box, now=NOW)
    assert bundle is not None
    names = {str(query.id): query.name for query in Query.objects.all()}
    return {names[entry.slot]: entry.merged_group for entry in manifest_of(bundle).models}


def test_a_run_without_enough_data_is_refused_with_everything_that_is_missing(fleet: Any) -> None:
    fleet.query("cars")
    with pytest.raises(DataMissing, match=r'"cars" has no data set.*has 1 query; a merge needs two'):
        start(fleet)
    fleet.query("trucks")
    fleet.dataset(frames=99)
    with pytest.raises(DataMissing, match='"trucks" has 99 frames; a merge needs at least 100'):
        start(fleet)
    assert not MergeRun.objects.exists()


def test_the_newest_ready_data_set_of_the_camera_is_used(ready: Any) -> None:
    newest = ready.dataset(frames=150)
    type(newest).objects.filter(id=newest.id).update(created_at=NOW + timedelta(hours=1))
    assert {found.dataset for found in merge_requirements(ready.box)} == {newest}


def test_only_one_run_of_a_box_goes_on_at_a_time(ready: Any) -> None:
    start(ready)
    with pytest.raises(Conflict, match="going on already"):
        start(ready)
    assert Job.objects.filter(task="merges.run", queue="gpu").count() == 1


def test_a_viewer_starts_nothing(ready: Any) -> None:
    with pytest.raises(NotAllowed):
        start(ready, ready.people[Role.VIEWER])


def test_a_queued_run_is_cancelled_at_once(ready: Any) -> None:
    run = start(ready)
    services.merge_run_cancel(actor=None, run=run, now=NOW)
    run.refresh_from_db()
    assert (run.state, run.job.state) == (MergeRunState.CANCELLED, JobState.CANCELLED)
    with pytest.raises(Conflict, match="cancelled already"):
        services.merge_run_cancel(actor=None, run=run, now=NOW)


def record(run: MergeRun, kind: str, **fields: Any) -> None:
    services.merge_run_event_record(run=run, payload={"type": kind, "bytes_after": 7} | fields, now=NOW)


def test_events_are_numbered_and_start_again_with_a_new_attempt(ready: Any) -> None:
    run = start(ready)
    for kind in ("started", "accepted"):
        record(run, kind)
    record(run, "evaluated", bytes_after=3)
    assert [event.seq for event in run.events.all()] == [0, 1, 2]
    assert MergeRun.objects.get(id=run.id).bytes_after == 7  # not the trial's
    services.merge_run_started(run=run, now=NOW)
    assert not run.events.exists()


def test_only_the_newest_of_successive_progress_events_is_kept(ready: Any) -> None:
    run = start(ready)
    for step, kind in enumerate(("started", "progress", "progress", "evaluated", "progress", "progress", "progress")):
        record(run, kind, step=step)
    kept = [(event.seq, event.payload["step"]) for event in run.events.all()]
    assert kept == [(0, 0), (2, 2), (3, 3), (6, 6)]


def test_an_attempt_that_goes_on_from_a_checkpoint_keeps_what_was_told_before(ready: Any) -> None:
    run = start(ready)
    services.merge_run_started(run=run, now=NOW)
    record(run, "accepted")
    services.merge_run_started(run=run, is_resumed=True, now=NOW + timedelta(minutes=2))
    record(run, "resumed")
    run.refresh_from_db()
    assert [event.payload["type"] for event in run.events.all()] == ["accepted", "resumed"]
    assert run.started_at == NOW


def test_what_a_cancelled_run_had_accepted_waits_for_a_decision(ready: Any) -> None:
    run = start(ready)
    group = finish(run, "cars", "trucks", state=MergeRunState.CANCELLED)
    run.refresh_from_db()
    assert (run.state, group.state) == (MergeRunState.CANCELLED, MergedGroupState.WAITING)


def test_approval_leads_to_a_bundle_in_which_only_the_group_is_merged(ready: Any) -> None:
    assert set(running(ready.box).values()) == {None}
    group = finish(start(ready), "cars", "trucks")
    assert list(groups_waiting(None)) == [group]
    assert set(running(ready.box).values()) == {None}
    jobs = Job.objects.filter(task="rollouts.publish_bundle").count()
    approve(group, ready.people[Role.APPROVER])
    assert Job.objects.filter(task="rollouts.publish_bundle").count() == jobs + 1
    assert running(ready.box) == {"cars": str(group.id), "trucks": str(group.id), "buses": None}
    bundle = ready.box.bundles.get(version=2)
    merged = next(entry for entry in manifest_of(bundle).models if entry.merged_group)
    assert merged.original_tensors is not None
    assert merged.original_tensors["head.weight"] != merged.tensors["head.weight"]
    assert (bundle.is_merged, bundle.size_bytes, bundle.reason) == (True, 18 + 16, "2 queries merged")


def test_rejection_keeps_the_originals_and_revert_brings_them_back(ready: Any) -> None:
    rejected = finish(start(ready), "cars", "trucks")
    approve(rejected, verdict="reject")
    assert set(running(ready.box).values()) == {None}
    group = finish(start(ready), "cars", "trucks")
    approve(group)
    assert running(ready.box)["cars"] == str(group.id)
    approve(group, verdict="revert")
    assert set(running(ready.box).values()) == {None}
    assert [bundle.version for bundle in ready.box.bundles.all()] == [3, 2, 1]
    assert [decision.verdict for decision in group.decisions.order_by("verdict")] == ["approve", "revert"]
    assert AuditEvent.objects.filter(action__startswith="merged_group.").count() == 3


def test_a_decision_is_taken_once(ready: Any) -> None:
    group = finish(start(ready), "cars", "trucks")
    with pytest.raises(Conflict, match="is waiting by now"):
        approve(group, verdict="revert")
    approve(group)
    for verdict in ("approve", "reject"):
        with pytest.raises(Conflict, match="is approved by now"):
            approve(group, verdict=verdict)
    assert group.decisions.count() == 1


def test_only_approvers_decide_and_the_requester_only_where_the_site_allows_it(ready: Any) -> None:
    requester = ready.people[Role.APPROVER]
    group = finish(start(ready, requester), "cars", "trucks")
    with pytest.raises(NotAllowed, match="approver"):
        approve(group, ready.people[Role.OPERATOR])
    ready.site.requester_may_approve = False
    ready.site.save()
    with pytest.raises(NotAllowed, match="ask another approver"):
        approve(group, requester)
    approve(group, ready.people[Role.ADMINISTRATOR])


def test_a_new_result_replaces_what_waited_and_a_new_approval_what_ran(ready: Any) -> None:
    waited = finish(start(ready), "cars", "trucks")
    first = finish(start(ready), "cars", "buses", content=b"first")
    waited.refresh_from_db()
    assert waited.state == MergedGroupState.SUPERSEDED
    approve(first)
    second = finish(start(ready), "buses", "trucks", content=b"second")
    first.refresh_from_db()
    assert first.state == MergedGroupState.APPROVED
    approve(second)
    first.refresh_from_db()
    assert first.state == MergedGroupState.SUPERSEDED
    assert running(ready.box) == {"cars": None, "buses": str(second.id), "trucks": str(second.id)}


def test_what_is_left_of_a_group_after_a_query_is_deleted_runs_its_original(ready: Any) -> None:
    group = finish(start(ready), "cars", "trucks")
    approve(group)
    query_delete(actor=None, query=Query.objects.get(name="cars"), now=NOW)
    assert running(ready.box) == {"trucks": None, "buses": None}
    assert merge_run_get(None, group.run_id).groups.get().members.count() == 2


def test_a_group_whose_queries_are_gone_cannot_be_approved(ready: Any) -> None:
    group = finish(start(ready), "cars", "trucks")
    query_delete(actor=None, query=Query.objects.get(name="cars"), now=NOW)
    with pytest.raises(Conflict, match="have changed since"):
        approve(group)


def test_publishing_again_without_a_change_makes_no_new_version(ready: Any) -> None:
    first = bundle_publish(box=ready.box, now=NOW)
    assert bundle_publish(box=ready.box, now=NOW + timedelta(hours=1)) == first


def test_a_box_without_queries_gets_no_bundle_until_it_had_one(fleet: Any) -> None:
    assert bundle_publish(box=fleet.box, now=NOW) is None
    query = fleet.query()
    bundle_publish(box=fleet.box, now=NOW)
    query_delete(actor=None, query=query, now=NOW)
    emptied = bundle_publish(box=fleet.box, now=NOW)
    assert emptied is not None
    assert (emptied.version, decode_manifest(emptied.manifest.encode()).models) == (2, ())


def test_a_bundle_that_no_box_could_download_is_not_published(fleet: Any) -> None:
    query = fleet.query()
    tensors = {"head.weight": {"digest": "0" * 64, "dtype": "float32", "shape": [1]}}
    Model.objects.filter(id=query.model_id).update(tensors=tensors)
    with pytest.raises(BlobsMissing, match="1 files"):
        bundle_publish(box=fleet.box, now=NOW)


def test_the_status_of_a_box_says_what_it_runs_against_what_it_should(fleet: Any) -> None:
    fleet.query()
    bundle = bundle_publish(box=fleet.box, now=NOW)
    assert bundle is not None
    report_record(box=fleet.box, report=Report("running", "", "", 0), now=NOW)
    fleet.box.refresh_from_db()
    status = box_status(fleet.box, NOW)
    assert (status.connection, status.state) == (Connection.STALE, State.NOT_AT_TARGET)
    assert status.sentence == "It runs no bundle; bundle 1 is on its way."
    report_record(box=fleet.box, report=Report("running", "", bundle.manifest_digest, 1), now=NOW)
    assert box_statuses([fleet.box], NOW)[fleet.box.id].state is State.RUNNING
