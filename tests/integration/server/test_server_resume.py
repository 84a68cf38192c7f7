"""A merge run whose child or worker is killed while the real core trains: the next attempt goes on, not anew."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest
import torch
from django.core.files.storage import default_storage
from django.utils import timezone

from edge_runtime.bundles.tensors import blob_bytes, tensor_entry
from edge_runtime.protocol.messages import FrameIndex, FrameLabel
from edge_runtime.vision.architectures import build
from edge_runtime.vision.spec import ModelSpec
from webapp.common.blobs import blob_put
from webapp.jobs.models import Job, JobState
from webapp.merges.models import MergeRun, MergeRunState
from webapp.merges.services import merge_run_start
from webapp.workloads.models import Model
from workers.tasks import merges

FRAMES = 100


class WorkerDied(BaseException):
    """Passes everything that catches errors."""


def real_model(fleet: Any, name: str, seed: int) -> Model:
    model = fleet.model(name)
    torch.manual_seed(seed)
    state = build(ModelSpec(model.architecture, tuple(model.classes), (32, 32))).state_dict()
    for tensor in state.values():
        blob_put(blob_bytes(tensor))
    model.tensors = {name: msgspec.to_builtins(tensor_entry(tensor)) for name, tensor in state.items()}
    model.save()
    return model


@pytest.fixture
def run(fleet: Any) -> MergeRun:
    """Two queries on pictures of noise: agreement is what counts."""
    for seed, name in enumerate(("cars", "trucks")):
        fleet.query(name, real_model(fleet, f"model of {name}", seed))
    folder = Path(default_storage.path(fleet.dataset(frames=FRAMES).folder))
    pictures = np.random.default_rng(1).integers(0, 255, (FRAMES, 32, 32, 3), dtype=np.uint8)
    for number, picture in enumerate(pictures):
        cv2.imwrite(str(folder / f"{number}.png"), picture)
    index = FrameIndex(tuple(FrameLabel(f"{at}.png", float(at)) for at in range(FRAMES)), "noise")
    (folder / "frames.json").write_bytes(msgspec.json.encode(index))
    return merge_run_start(actor=None, box=fleet.box, now=timezone.now())


def use_core(monkeypatch: pytest.MonkeyPatch, kill_at: str) -> None:
    process = "tests.simulators.merge_process"
    monkeypatch.setattr(
        merges, "_arguments", lambda workload, out, run: ["-m", process, str(workload), str(out), kill_at]
    )


def job_of(run: MergeRun) -> str:
    return str(run.job_id)


def require_continued(run: MergeRun) -> None:
    run.refresh_from_db()
    assert (run.state, run.problem) == (MergeRunState.SUCCEEDED, "")
    assert run.groups.count() == 1
    payloads = [event.payload for event in run.events.all()]
    types = [payload["type"] for payload in payloads]
    assert (types.count("started"), types.count("resumed"), types[-1]) == (1, 1, "finished")
    resumed = payloads[types.index("resumed")]
    assert resumed["samples_seen"] > 0
    assert "Resumed at step" in resumed["trying"]
    assert payloads[-1]["samples_seen"] > resumed["samples_seen"]
    seconds = [payload["seconds"] for payload in payloads[types.index("started") :]]
    assert seconds == sorted(seconds)


def test_a_killed_child_goes_on_from_its_checkpoint(run: MergeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    use_core(monkeypatch, kill_at="20")
    merges.merge_run(job_of(run))
    require_continued(run)
    assert Job.objects.get(id=run.job_id).attempts == 1


def test_a_killed_worker_leaves_its_run_to_the_next_one(run: MergeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    use_core(monkeypatch, kill_at="-")
    record = merges.merge_run_event_record

    def die_in_the_middle(**values: Any) -> Any:
        record(**values)
        if values["payload"]["samples_seen"] >= 20:
            raise WorkerDied

    monkeypatch.setattr(merges, "merge_run_event_record", die_in_the_middle)
    with pytest.raises(WorkerDied):
        merges.merge_run(job_of(run))
    monkeypatch.setattr(merges, "merge_run_event_record", record)
    run.refresh_from_db()
    started_at = run.started_at
    expired = timezone.now() - timedelta(seconds=1)
    assert Job.objects.filter(id=run.job_id, state=JobState.RUNNING).update(lease_expires_at=expired) == 1
    merges.merge_run(job_of(run))
    require_continued(run)
    assert run.started_at == started_at
    assert Job.objects.get(id=run.job_id).attempts == 2
