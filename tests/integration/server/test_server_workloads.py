"""Models, queries and data sets in a real database."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from django.core.files.storage import default_storage

from edge_runtime.protocol.messages import FrameIndex, FrameLabel
from webapp.common.errors import Conflict, InvalidInput
from webapp.fleets.models import Role
from webapp.fleets.services import camera_update
from webapp.jobs.models import Job
from webapp.workloads import services
from webapp.workloads.models import CheckState, Dataset, DatasetState, Model, Query

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def register(fleet: Any, weights: Any, **changes: Any) -> Model:
    values = {"name": "new", "architecture": "resnet18", "classes": ["car", "bus"], "input_size": (64, 64)} | changes
    return services.model_register(actor=None, site=fleet.site, weights=weights, now=NOW, **values)


def test_a_registered_model_is_stored_and_waits_for_its_check(fleet: Any, upload: Any) -> None:
    model = register(fleet, upload(b"weights"))
    assert (model.state, model.task) == (CheckState.CHECKING, "classification")
    assert default_storage.open(model.upload).read() == b"weights"
    assert Job.objects.get(subject=model.id).task == "models.check"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": " "}, "name"),
        ({"architecture": "resnet17"}, "architecture"),
        ({"classes": ["car", "car"]}, "classes"),
        ({"input_size": (8, 64)}, "input_size"),
    ],
)
def test_a_model_that_cannot_be_is_refused_at_its_field(
    fleet: Any, upload: Any, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        register(fleet, upload(b"weights"), **changes)
    assert refused.value.field == field
    assert not Model.objects.exists()
    assert not Job.objects.exists()


def test_an_upload_that_is_too_large_is_refused(fleet: Any, upload: Any) -> None:
    weights = upload(b"weights")
    weights.size = 2 * 2**30 + 1
    with pytest.raises(InvalidInput, match=r"at most 2.0 GiB"):
        register(fleet, weights)


def test_a_rejected_model_keeps_its_sentence_and_loses_its_upload(
    fleet: Any, upload: Any, django_capture_on_commit_callbacks: Any
) -> None:
    model = register(fleet, upload(b"weights"))
    path = model.upload
    with django_capture_on_commit_callbacks(execute=True):
        services.model_check_record(model=model, problem="It does not fit.", now=NOW)
    assert (model.state, model.problem) == (CheckState.REJECTED, "It does not fit.")
    assert not default_storage.exists(path)


def test_what_was_said_wrongly_of_a_recognised_model_is_asked_again_and_its_upload_kept(
    fleet: Any, upload: Any, django_capture_on_commit_callbacks: Any
) -> None:
    model = register(fleet, upload(b"weights"), architecture="")
    found = {"candidates": [{"architecture": "resnet18", "task": "classification", "classes": 2}]}
    services.model_recognise_record(model=model, recognition=found, now=NOW)
    assert (model.state, model.architecture) == (CheckState.CHECKING, "resnet18")
    with django_capture_on_commit_callbacks(execute=True):
        services.model_check_record(model=model, problem="Too small.", is_correctable=True, now=NOW)
    assert (model.state, model.problem) == (CheckState.UNDESCRIBED, "Too small.")
    assert default_storage.exists(model.upload)
    services.model_describe(actor=None, model=model, classes=["car", "bus"], input_size=(96, 96), now=NOW)
    model.refresh_from_db()
    assert (model.state, model.problem, model.input_height) == (CheckState.CHECKING, "", 96)
    with pytest.raises(Conflict, match="does not wait for a description"):
        services.model_describe(actor=None, model=model, classes=["car", "bus"], now=NOW)


def test_a_model_in_use_is_kept(fleet: Any) -> None:
    query = fleet.query()
    with pytest.raises(Conflict, match="was kept"):
        services.model_delete(actor=None, model=query.model, now=NOW)


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"objects": ["car", "ship", "plane"]}, "objects", '"ship", "plane"'),
        ({"objects": []}, "objects", "at least one"),
        ({"accuracy_target": 0.0}, "accuracy_target", "above 0"),
        ({"accuracy_target": 1.01}, "accuracy_target", "up to 1"),
        ({"accuracy_target": float("nan")}, "accuracy_target", "fraction"),
        ({"rate_fps": 0.05}, "rate_fps", "rate"),
        ({"deadline_ms": 19}, "deadline_ms", "deadline"),
        ({"priority": 10.1}, "priority", "ordinary query is 1"),
        ({"priority": float("nan")}, "priority", "priority"),
    ],
)
def test_a_query_that_cannot_be_is_refused_and_changes_nothing(
    fleet: Any, changes: dict[str, Any], field: str, sentence: str
) -> None:
    with pytest.raises(InvalidInput, match=sentence) as refused:
        fleet.query(**changes)
    assert refused.value.field == field
    assert not Query.objects.exists()
    assert not Job.objects.exists()


def test_a_query_needs_a_model_that_is_ready_and_of_its_site(fleet: Any, make_fleet: Any) -> None:
    foreign = make_fleet("airport").model()
    unready = fleet.model()
    Model.objects.filter(id=unready.id).update(state=CheckState.CHECKING)
    unready.refresh_from_db()
    for model, sentence in ((foreign, "another site"), (unready, "not ready")):
        with pytest.raises(InvalidInput, match=sentence):
            fleet.query(model=model)


def test_every_change_of_a_query_leads_to_a_bundle_and_a_new_target(fleet: Any) -> None:
    query = fleet.query()
    services.query_update(actor=fleet.people[Role.OPERATOR], query=query, objects=["bus", "car"], now=NOW)
    assert query.objects_wanted == ["car", "bus"]
    generation = type(fleet.box).objects.get(id=fleet.box.id).target_generation
    services.query_delete(actor=None, query=query, now=NOW)
    assert Job.objects.filter(task="rollouts.publish_bundle", subject=fleet.box.id).count() == 3
    assert type(fleet.box).objects.get(id=fleet.box.id).target_generation == generation + 1


def batch(*names: str, at: float = 0.0) -> tuple[FrameIndex, dict[str, bytes]]:
    frames = tuple(FrameLabel(name, at + number, tags=("car",)) for number, name in enumerate(names))
    return FrameIndex(frames, "scene"), {name: b"\xff\xd8" + name.encode() for name in names}


@pytest.fixture
def collecting(fleet: Any) -> Dataset:
    return services.dataset_request(actor=None, camera=fleet.camera, name="day", frames=10, span_s=60.0, now=NOW)


def test_frames_arrive_in_batches_in_any_order_and_twice_and_count_once(collecting: Dataset) -> None:
    for names, at in ((("c.jpg", "d.jpg"), 10.0), (("a.jpg", "b.jpg"), 0.0), (("c.jpg", "d.jpg"), 10.0)):
        index, files = batch(*names, at=at)
        services.dataset_frames_add(dataset=collecting, index=index, files=files, now=NOW)
    services.dataset_complete(dataset=collecting, now=NOW)
    collecting.refresh_from_db()
    assert (collecting.state, collecting.frame_count, collecting.labelled_count) == (DatasetState.READY, 4, 4)
    stored = msgspec.json.decode(default_storage.open(f"{collecting.folder}/frames.json").read(), type=FrameIndex)
    assert [frame.file for frame in stored.frames] == ["a.jpg", "b.jpg", "c.jpg", "d.jpg"]
    assert stored.source == "scene"


def test_a_box_that_sends_frames_for_ever_fills_no_disk(collecting: Dataset) -> None:
    for number in range(3):  # as a box that was started anew in the middle
        index, files = batch(*(f"{number}-{frame}.jpg" for frame in range(6)))
        services.dataset_frames_add(dataset=collecting, index=index, files=files, now=NOW)
    services.dataset_complete(dataset=collecting, now=NOW)
    collecting.refresh_from_db()
    assert (collecting.state, collecting.frame_count) == (DatasetState.READY, 12)

    index, files = batch(*(f"{frame}.jpg" for frame in range(101)))
    other = services.dataset_request(actor=None, camera=collecting.camera, name="x", frames=500, span_s=60.0, now=NOW)
    with pytest.raises(InvalidInput, match="at most 100 frames"):
        services.dataset_frames_add(dataset=other, index=index, files=files, now=NOW)


@pytest.mark.parametrize("name", ["../a.jpg", "a/b.jpg", ".jpg", "a.png", "frames.json"])
def test_a_frame_cannot_choose_where_it_is_written(collecting: Dataset, name: str) -> None:
    index, files = batch(name)
    with pytest.raises(InvalidInput):
        services.dataset_frames_add(dataset=collecting, index=index, files=files, now=NOW)


def test_a_batch_whose_index_names_other_pictures_is_refused(collecting: Dataset) -> None:
    index, _ = batch("a.jpg", "b.jpg")
    _, files = batch("a.jpg")
    with pytest.raises(InvalidInput, match="exactly the pictures"):
        services.dataset_frames_add(dataset=collecting, index=index, files=files, now=NOW)


def test_a_data_set_without_frames_is_rejected_with_the_sentence_of_the_box(collecting: Dataset) -> None:
    services.dataset_complete(dataset=collecting, problem="The camera went away.", now=NOW)
    collecting.refresh_from_db()
    assert (collecting.state, collecting.problem) == (DatasetState.REJECTED, "The camera went away.")


def test_privacy_off_keeps_frames_on_the_box(fleet: Any, collecting: Dataset) -> None:
    camera_update(actor=None, camera=fleet.camera, privacy="off", now=NOW)
    with pytest.raises(InvalidInput, match="privacy setting"):
        services.dataset_request(actor=None, camera=fleet.camera, name="x", frames=10, span_s=60.0, now=NOW)
    index, files = batch("a.jpg")
    with pytest.raises(Conflict, match="privacy setting"):
        services.dataset_frames_add(dataset=collecting, index=index, files=files, now=NOW)


def test_deleting_a_data_set_removes_its_pictures(collecting: Dataset, django_capture_on_commit_callbacks: Any) -> None:
    index, files = batch("a.jpg")
    services.dataset_frames_add(dataset=collecting, index=index, files=files, now=NOW)
    folder = collecting.folder
    with django_capture_on_commit_callbacks(execute=True):
        services.dataset_delete(actor=None, dataset=collecting, now=NOW)
    assert not default_storage.exists(folder)
