"""Tasks on real rows and in real child processes; the merging core itself is stood in for."""

import io
import uuid
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from django.core.files.storage import default_storage
from django.utils import timezone
from safetensors.torch import save

from edge_runtime.bundles.tensors import tensor_entry, write_bundle
from edge_runtime.protocol.manifest import Manifest, ModelEntry
from edge_runtime.vision.architectures import build
from edge_runtime.vision.spec import ModelSpec
from tests.simulators.bomb import png_that_claims
from webapp.celery import celery_app
from webapp.common.blobs import blobs_missing
from webapp.fleets.models import Box
from webapp.jobs.models import Job, JobState
from webapp.merges.models import MergedGroupState, MergeRun, MergeRunState
from webapp.merges.selectors import disagreement_list, picture_of
from webapp.merges.services import merge_run_cancel, merge_run_start
from webapp.rollouts.models import Bundle
from webapp.workloads.models import CheckState, DatasetState, Model, Query
from webapp.workloads.services import dataset_upload, model_register
from workers.merging.disagreements import Disagreement, Named, QueryDisagreements
from workers.merging.events import Basis, QueryFigures
from workers.merging.result import MergedGroupResult, QueryResult, Result, SharedLayers, write_result
from workers.tasks import leases, merges
from workers.tasks.children import run_child
from workers.tasks.datasets import import_dataset
from workers.tasks.jobs import resend
from workers.tasks.merge_results import ResultUnusable, merge_result_import
from workers.tasks.models import check_model
from workers.tasks.rollouts import publish_bundle

JPEG = b"\xff\xd8\xff\xe0" + b"frame" * 10
STAND_IN = Path(__file__).with_name("core_stand_in.py")


def job_of(subject: uuid.UUID) -> str:
    return str(Job.objects.filter(subject=subject).latest("created_at").id)


def register(fleet: Any, content: Any) -> Model:
    values = {"architecture": "squeezenet1_1", "classes": ["car", "bus"], "input_size": (32, 32)}
    return model_register(actor=None, site=fleet.site, name="m", weights=content, now=timezone.now(), **values)


def test_an_upload_that_fits_becomes_a_ready_model_whose_blobs_are_here(fleet: Any, upload: Any) -> None:
    state = build(ModelSpec("squeezenet1_1", ("car", "bus"), (32, 32))).state_dict()
    model = register(fleet, upload(save(state)))
    check_model(job_of(model.id))
    model.refresh_from_db()
    assert (model.state, model.problem, len(model.layers)) == (CheckState.READY, "", 26)
    assert not blobs_missing(entry["digest"] for entry in model.tensors.values())
    assert Job.objects.get(subject=model.id).state == JobState.SUCCEEDED


def test_an_upload_of_an_unnamed_architecture_is_recognised_and_then_checked(fleet: Any, upload: Any) -> None:
    state = build(ModelSpec("squeezenet1_1", ("car", "bus"), (32, 32))).state_dict()
    said = {"classes": ["car", "bus"], "input_size": (32, 32)}
    weights = upload(save({f"module.{name}": tensor for name, tensor in state.items()}))
    model = model_register(actor=None, site=fleet.site, name="m", weights=weights, now=timezone.now(), **said)
    assert model.state == CheckState.RECOGNISING
    check_model(job_of(model.id))
    model.refresh_from_db()
    assert (model.state, model.architecture) == (CheckState.CHECKING, "squeezenet1_1")
    check_model(job_of(model.id))
    model.refresh_from_db()
    assert (model.state, len(model.layers)) == (CheckState.READY, 26)


def test_an_upload_that_cannot_be_recognised_is_rejected(fleet: Any, upload: Any) -> None:
    model = model_register(actor=None, site=fleet.site, name="m", weights=upload(b"nonsense"), now=timezone.now())
    check_model(job_of(model.id))
    model.refresh_from_db()
    assert (model.state, model.upload) == (CheckState.REJECTED, "")
    assert "can be read" in model.problem


def test_an_upload_that_does_not_fit_is_rejected_with_a_sentence_and_checked_once(fleet: Any, upload: Any) -> None:
    model = register(fleet, upload(b"nonsense"))
    for _ in range(2):
        check_model(job_of(model.id))
    model.refresh_from_db()
    assert model.state == CheckState.REJECTED
    assert "can be read" in model.problem
    assert Job.objects.get(subject=model.id).attempts == 1


def test_a_child_decodes_no_picture_that_claims_to_be_enormous(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.png"
    bomb.write_bytes(png_that_claims(10_000, 10_000))
    script = "import sys, pathlib, workers.merging.pictures as p; p.read_picture(pathlib.Path(sys.argv[1]))"
    ended = run_child(["-c", script, str(bomb)], log=tmp_path / "log", timeout_s=60, should_go_on=lambda: True)
    assert ended.code == 1
    assert "bomb.png is too large" in ended.log


def test_an_archive_that_leads_out_leaves_a_rejected_data_set_and_no_file(fleet: Any, upload: Any) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("../../escaped.jpg", b"\xff\xd8\xff")
    dataset = dataset_upload(
        actor=None,
        camera=fleet.camera,
        name="zip",
        kind="imagefolder",
        archive=upload(content.getvalue()),
        now=timezone.now(),
    )
    import_dataset(job_of(dataset.id))
    dataset.refresh_from_db()
    assert dataset.state == DatasetState.REJECTED
    assert "leads out" in dataset.problem
    root = Path(default_storage.location)
    assert not [path for path in root.parent.rglob("*") if path.name == "escaped.jpg"]
    assert not Path(default_storage.path(dataset.folder)).exists()


def test_publishing_is_done_once_for_a_task_that_came_twice(fleet: Any) -> None:
    fleet.query()
    job = job_of(fleet.box.id)
    publish_bundle(job)
    Query.objects.all().update(name="renamed")
    publish_bundle(job)
    assert [bundle.version for bundle in Bundle.objects.all()] == [1]


def test_a_bundle_that_cannot_be_published_fails_its_job_with_the_sentence(fleet: Any) -> None:
    query = fleet.query()
    tensors = {"w": {"digest": "0" * 64, "dtype": "float32", "shape": [1]}}
    Model.objects.filter(id=query.model_id).update(tensors=tensors)
    publish_bundle(job_of(fleet.box.id))
    job = Job.objects.get(subject=fleet.box.id)
    assert job.state == JobState.FAILED
    assert "missing in the artifact store" in job.problem


def figures(name: str) -> QueryFigures:
    return QueryFigures(name, None, 0.97, 0.97, 0.95, 0.99, Basis.AGREEMENT, 0.9, True)


def prepared_result(folder: Path, originals: dict[str, Model]) -> None:
    """What the core writes when it merged all queries into one group with one shared tensor."""
    shared = torch.arange(4, dtype=torch.float32) + 0.5
    tensors = {"head.weight": tensor_entry(shared)}
    models = tuple(
        ModelEntry(
            slot=name,
            task=model.task,
            architecture=model.architecture,
            classes=tuple(model.classes),
            input_size=(32, 32),
            tensors=tensors,
            original_tensors=msgspec.convert(model.tensors, dict[str, type(tensors["head.weight"])]),
            merged_group="all",
        )
        for name, model in originals.items()
    )
    manifest = Manifest(box="", version=0, models=models, created_at="2026-05-04T12:00:00")
    write_bundle(folder / "bundle", manifest, {tensors["head.weight"].digest: shared})
    layers = (SharedLayers(16, 16, dict.fromkeys(originals, ("head",))),)
    group = MergedGroupResult("all", tuple(originals), 32, 16, layers)
    queries = tuple(QueryResult(name, 0.9, "all", figures(name), None) for name in originals)
    write_result(
        folder / "result.json", Result("optimistic", 1, 32, 16, 0.5, 1.0, 3.0, 10, (), (group,), queries, True)
    )
    (folder / "disagreements").mkdir()
    (folder / "disagreements" / "0-0.jpg").write_bytes(JPEG)
    answers = ((Named("day", 0.9),), (Named("dusk", 0.6),), (Named("day"),))
    example = Disagreement("7.jpg", 1_780_000_000.0, "0-0.jpg", 640, 360, *answers)
    told = [QueryDisagreements("trucks", 40, 3, (example,)), QueryDisagreements("count-cars", 40, 0, ())]
    (folder / "disagreements.json").write_bytes(msgspec.json.encode(told))


@pytest.fixture
def ready(fleet: Any, tmp_path: Path) -> Any:
    """A box with two queries, data, and the result that the core will give."""
    queries = [fleet.query("count cars", fleet.model("a")), fleet.query("trucks", fleet.model("b", b"8 bytes!"))]
    fleet.dataset()
    prepared_result(tmp_path / "result", {"count-cars": queries[0].model, "trucks": queries[1].model})
    return fleet


@pytest.fixture
def core(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Replaces the merging core by its stand-in with the given behaviour."""
    monkeypatch.setattr(leases, "KEEP_EVERY_S", 0.0)

    def use(behaviour: str) -> None:
        result = str(tmp_path / "result")
        monkeypatch.setattr(
            merges, "_arguments", lambda workload, out, run: [str(STAND_IN), behaviour, result, str(out)]
        )

    return use


def start(fleet: Any) -> MergeRun:
    return merge_run_start(actor=None, box=fleet.box, now=timezone.now())


def test_a_finished_run_leaves_a_group_that_waits_and_its_blobs(ready: Any, core: Any) -> None:
    core("finish")
    run = start(ready)
    merges.merge_run(job_of(run.id))
    run.refresh_from_db()
    group = run.groups.get()
    assert (run.state, run.job.state, run.problem) == (MergeRunState.SUCCEEDED, JobState.SUCCEEDED, "")
    assert (group.state, group.name, group.bytes_after) == (MergedGroupState.WAITING, "count cars + trucks", 16)
    assert group.shared_layers[0]["members"] == {"count cars": ["head"], "trucks": ["head"]}
    member = group.members.get(name="trucks")
    assert (member.basis, member.validation_lower, member.original_accuracy) == ("agreement", 0.95, None)
    assert not blobs_missing(entry["digest"] for entry in member.tensors.values())
    assert (member.compared_frames, member.differing_frames) == (40, 3)
    (shown,) = disagreement_list(group)
    assert (shown.member, shown.frame, shown.truth[0]["label"]) == (member, "7.jpg", "day")
    assert shown.taken_at == datetime.fromtimestamp(1_780_000_000, UTC)
    assert picture_of(shown) == JPEG
    events = [event.payload for event in run.events.all()]
    assert [event["type"] for event in events] == ["started", "evaluated"]
    assert events[1]["queries"][0]["name"] == "count cars"


@pytest.mark.parametrize("damage", [b"[{", b"[]", None])
def test_disagreements_that_cannot_be_read_cost_nothing_else(ready: Any, tmp_path: Path, damage: bytes | None) -> None:
    path = tmp_path / "result" / "disagreements.json"
    if damage is None:
        (tmp_path / "result" / "disagreements" / "0-0.jpg").unlink()
    else:
        path.write_bytes(damage)
    group = merge_result_import(box=ready.box, result_dir=tmp_path / "result", now=timezone.now()).groups.get()
    assert group.members.count() == 2
    assert not any(one.may_be_seen for one in disagreement_list(group))


def test_a_run_that_is_delivered_again_later_does_not_run_twice(ready: Any, core: Any) -> None:
    core("finish")
    run = start(ready)
    for _ in range(2):
        merges.merge_run(job_of(run.id))
    assert run.groups.count() == 1
    assert Job.objects.get(subject=run.id).attempts == 1


def test_a_run_whose_worker_died_starts_clean(ready: Any, core: Any, settings: Any) -> None:
    core("finish")
    run = start(ready)
    merges.merge_run_started(run=run, now=timezone.now())
    merges.merge_run_event_record(run=run, payload={"type": "started"}, now=timezone.now())
    Job.objects.filter(subject=run.id).update(
        state=JobState.RUNNING, attempts=1, lease_owner="dead", lease_expires_at=timezone.now() - timedelta(seconds=1)
    )
    leftover = Path(settings.VAR_DIR) / "runs" / str(run.id) / "out" / "half"
    leftover.mkdir(parents=True)
    merges.merge_run(job_of(run.id))
    run.refresh_from_db()
    assert run.state == MergeRunState.SUCCEEDED
    assert [event.seq for event in run.events.all()] == [0, 1]
    assert not leftover.exists()


def test_a_checkpoint_that_the_core_refuses_is_dropped(ready: Any, core: Any, settings: Any) -> None:
    core("finish")
    run = start(ready)
    leftover = Path(settings.VAR_DIR) / "runs" / str(run.id) / "out" / "checkpoint" / "checkpoint.json"
    leftover.parent.mkdir(parents=True)
    leftover.write_text("damaged")
    merges.merge_run(job_of(run.id))
    run.refresh_from_db()
    assert (run.state, run.groups.count()) == (MergeRunState.SUCCEEDED, 1)
    assert [event.payload["type"] for event in run.events.all()] == ["started", "evaluated"]


@pytest.mark.parametrize(
    ("behaviour", "sentence"), [("refuse", "needs at least 32 train frames"), ("crash", "RuntimeError: it broke")]
)
def test_a_failed_run_says_why_and_changes_nothing_else(ready: Any, core: Any, behaviour: str, sentence: str) -> None:
    core(behaviour)
    run = start(ready)
    merges.merge_run(job_of(run.id))
    run.refresh_from_db()
    assert (run.state, run.job.state) == (MergeRunState.FAILED, JobState.FAILED)
    assert sentence in run.problem
    assert not run.groups.exists()


def test_a_failed_run_keeps_what_was_accepted_before(ready: Any, core: Any) -> None:
    core("accept-crash")
    run = start(ready)
    merges.merge_run(job_of(run.id))
    run.refresh_from_db()
    assert (run.state, run.job.state) == (MergeRunState.FAILED, JobState.FAILED)
    assert "RuntimeError: it broke" in run.problem
    assert run.groups.get().state == MergedGroupState.WAITING


@pytest.mark.parametrize(("behaviour", "groups"), [("hang", 0), ("accept-hang", 1)])
def test_cancelling_stops_the_training_and_keeps_what_was_accepted(
    ready: Any, core: Any, monkeypatch: pytest.MonkeyPatch, behaviour: str, groups: int
) -> None:
    core(behaviour)
    run = start(ready)
    record = merges.merge_run_event_record

    def cancel_at_the_second_event(**values: Any) -> Any:
        event = record(**values)
        if event.seq == 1:
            merge_run_cancel(actor=None, run=run, now=timezone.now())
        return event

    monkeypatch.setattr(merges, "merge_run_event_record", cancel_at_the_second_event)
    merges.merge_run(job_of(run.id))
    run.refresh_from_db()
    assert (run.state, run.job.state) == (MergeRunState.CANCELLED, JobState.CANCELLED)
    assert run.groups.count() == groups


def test_a_worker_that_is_told_to_stop_gives_its_run_back(
    ready: Any, core: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    core("hang")
    run = start(ready)
    monkeypatch.setattr(merges, "_is_shutting_down", lambda: run.events.count() > 1)
    merges.merge_run(job_of(run.id))
    job = Job.objects.get(subject=run.id)
    assert (job.state, job.attempts) == (JobState.QUEUED, 0)


def test_a_run_that_no_worker_finished_is_ended_by_beat(ready: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(celery_app, "send_task", lambda *args, **values: None)
    run = start(ready)
    dead = timezone.now() - timedelta(seconds=1)
    Job.objects.filter(subject=run.id).update(state=JobState.RUNNING, attempts=3, lease_expires_at=dead)
    Box.objects.filter(id=ready.box.id).update(
        is_connected=True, connection="x", last_seen_at=dead - timedelta(hours=1)
    )
    resend()
    run.refresh_from_db()
    assert (run.state, run.problem) == (MergeRunState.FAILED, "The worker stopped 3 times during this work.")
    assert not Box.objects.get(id=ready.box.id).is_connected


def test_a_precomputed_result_waits_for_approval_like_any_other(ready: Any, tmp_path: Path) -> None:
    run = merge_result_import(box=ready.box, result_dir=tmp_path / "result", now=timezone.now())
    assert (run.state, run.job, run.groups.get().state) == (MergeRunState.SUCCEEDED, None, MergedGroupState.WAITING)


def test_a_result_of_other_weights_or_queries_is_refused_and_leaves_nothing(ready: Any, tmp_path: Path) -> None:
    query = Query.objects.get(name="trucks")
    Query.objects.filter(id=query.id).update(model=ready.model("c", b"something else"[:12]))
    with pytest.raises(ResultUnusable, match="other weights"):
        merge_result_import(box=ready.box, result_dir=tmp_path / "result", now=timezone.now())
    Query.objects.filter(id=query.id).update(name="vans", model=query.model)
    with pytest.raises(ResultUnusable, match="no query called trucks"):
        merge_result_import(box=ready.box, result_dir=tmp_path / "result", now=timezone.now())
    with pytest.raises(ResultUnusable, match=r"no result\.json"):
        merge_result_import(box=ready.box, result_dir=tmp_path / "nowhere", now=timezone.now())
    assert not MergeRun.objects.exists()
