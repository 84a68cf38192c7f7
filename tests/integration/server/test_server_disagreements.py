"""Frames on which merged and original disagree: what is kept of them, for how long, and who may see it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage

from edge_runtime.protocol.messages import FrameIndex, FrameLabel
from edge_runtime.protocol.target import Privacy
from webapp.common.errors import NotFound
from webapp.fleets.models import Camera
from webapp.fleets.services import camera_update
from webapp.jobs.models import Job
from webapp.merges import services
from webapp.merges.models import Disagreement, MergedGroup
from webapp.merges.selectors import disagreement_get, disagreement_list, picture_of
from webapp.workloads.models import Dataset
from webapp.workloads.services import dataset_frames_add, dataset_request
from workers.tasks.results import forget_pictures

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
LONG_AFTER = NOW + timedelta(days=31)


def _answer(label: str) -> list[dict[str, Any]]:
    return [{"label": label, "score": 0.9, "box": None, "is_agreed": False}]


def _group(fleet: Any, jpeg: bytes) -> MergedGroup:
    """A finished run whose first query has one disagreement with a picture."""
    run = services.merge_run_start(actor=None, box=fleet.box, now=NOW)
    found = services.DisagreementFound("7.jpg", NOW, jpeg, (640, 360), _answer("car"), _answer("bus"), None)
    members = tuple(
        services.MemberFound(
            run_query=run_query,
            tensors={},
            basis="agreement",
            original_accuracy=None,
            merged_accuracy=0.97,
            validation=(0.97, 0.95, 0.99),
            test=None,
            compared_frames=40,
            differing_frames=1,
            disagreements=(found,) if run_query.name == "cars" else (),
        )
        for run_query in run.run_queries.all()
    )
    group = services.GroupFound(48, 18, [], members)
    services.merge_run_result_record(run=run, groups=[group], result={}, bytes_before=48, bytes_after=18, now=NOW)
    return run.groups.get()


@pytest.fixture
def ready(fleet: Any) -> Any:
    for name in ("cars", "trucks"):
        fleet.query(name)
    fleet.dataset()
    return fleet


def _privacy(fleet: Any, level: Privacy) -> None:
    Camera.objects.filter(id=fleet.camera.id).update(privacy=level.value)
    fleet.camera.refresh_from_db()


def _shown(group: MergedGroup) -> Disagreement:
    return disagreement_list(group).get()


def _files(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "artifacts" / "disagreements").rglob("*.jpg"))


def test_the_picture_is_kept_and_shown_to_members_of_the_site(ready: Any, jpeg: bytes, make_fleet: Any) -> None:
    group = _group(ready, jpeg)
    viewer, stranger = (next(iter(people.values())) for people in (ready.people, make_fleet("elsewhere").people))

    assert picture_of(disagreement_get(viewer, group.id, _shown(group).id)) == jpeg
    with pytest.raises(NotFound):
        disagreement_get(stranger, group.id, _shown(group).id)


@pytest.mark.parametrize(
    ("shows", "level", "is_kept"),
    [("full", Privacy.OFF, False), ("full", Privacy.BLURRED, False), ("blurred", Privacy.BLURRED, True)],
)
def test_no_picture_is_kept_that_shows_more_than_the_camera_lets_out(
    ready: Any, jpeg: bytes, tmp_path: Path, shows: str, level: Privacy, is_kept: bool
) -> None:
    Dataset.objects.update(privacy=shows)
    _privacy(ready, level)
    shown = _shown(_group(ready, jpeg))

    assert (shown.may_be_seen, len(_files(tmp_path))) == (is_kept, int(is_kept))
    assert shown.merged[0]["label"] == "bus"  # what was answered is told all the same


def test_a_camera_that_is_made_more_private_hides_its_pictures_at_once(ready: Any, jpeg: bytes) -> None:
    group = _group(ready, jpeg)
    _privacy(ready, Privacy.BLURRED)

    with pytest.raises(NotFound):
        picture_of(_shown(group))
    _privacy(ready, Privacy.FULL)
    assert picture_of(_shown(group)) == jpeg


def test_a_camera_whose_pictures_stay_on_its_box_loses_those_that_are_here(
    ready: Any, jpeg: bytes, tmp_path: Path, django_capture_on_commit_callbacks: Any
) -> None:
    group = _group(ready, jpeg)
    camera_update(actor=None, camera=ready.camera, privacy="off", now=NOW)
    with django_capture_on_commit_callbacks(execute=True):
        forget_pictures(str(Job.objects.get(subject=ready.camera.id).id))

    assert _shown(group).picture == ""
    assert not _files(tmp_path)


@pytest.mark.parametrize(("verdict", "is_kept"), [(None, True), ("approve", True), ("reject", False)])
def test_pictures_go_a_month_after_the_run_unless_its_group_waits_or_runs(
    ready: Any, jpeg: bytes, tmp_path: Path, django_capture_on_commit_callbacks: Any, verdict: str | None, is_kept: bool
) -> None:
    group = _group(ready, jpeg)
    if verdict:
        services.merged_group_decide(actor=None, group=group, verdict=verdict, now=NOW)
    assert services.disagreements_prune(now=LONG_AFTER - timedelta(days=2)) == 0
    with django_capture_on_commit_callbacks(execute=True):
        assert services.disagreements_prune(now=LONG_AFTER) == int(not is_kept)

    assert bool(_files(tmp_path)) is is_kept
    assert Disagreement.objects.count() == 1


def test_what_no_row_names_any_more_is_removed(ready: Any, jpeg: bytes, tmp_path: Path) -> None:
    group = _group(ready, jpeg)
    Disagreement.objects.all().delete()

    services.disagreements_prune(now=NOW)  # the run ended just now: it may be about to commit
    assert _files(tmp_path)
    services.disagreements_prune(now=NOW + timedelta(hours=2))
    assert not default_storage.exists(f"disagreements/{group.run_id}")


def test_a_data_set_shows_no_more_than_its_camera_let_out_all_the_time(fleet: Any, jpeg: bytes) -> None:
    _privacy(fleet, Privacy.BLURRED)
    dataset = dataset_request(actor=None, camera=fleet.camera, name="day", frames=100, span_s=60, now=NOW)
    assert dataset.privacy == "blurred"

    _privacy(fleet, Privacy.FULL)
    index = FrameIndex(frames=(FrameLabel("1.jpg", 1.0),))
    dataset_frames_add(dataset=dataset, index=index, files={"1.jpg": jpeg}, now=NOW)
    _privacy(fleet, Privacy.BLURRED)
    dataset.refresh_from_db()
    assert dataset.privacy == "full"
