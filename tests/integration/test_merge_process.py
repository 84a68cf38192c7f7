"""The merging core as a process that is killed with SIGKILL: resumed, it comes to the very weights it would have."""

import json
import signal
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import save_file

from edge_runtime.protocol.manifest import decode_manifest
from edge_runtime.protocol.messages import FrameIndex, FrameLabel
from edge_runtime.vision.architectures import build
from edge_runtime.vision.spec import ModelSpec
from tests.simulators.forks import forked
from tests.simulators.merge_process import main
from workers.merging.result import read_result

SPEC = ModelSpec("squeezenet1_1", ("day", "night"), (32, 32))


@pytest.fixture
def workload(tmp_path: Path) -> Path:
    (tmp_path / "frames").mkdir()
    pictures = np.random.default_rng(1).integers(0, 255, (100, 32, 32, 3), dtype=np.uint8)
    names = [f"{number}.png" for number in range(len(pictures))]
    for name, picture in zip(names, pictures, strict=True):
        cv2.imwrite(str(tmp_path / "frames" / name), picture)
    index = FrameIndex(tuple(FrameLabel(name, float(at)) for at, name in enumerate(names)), "noise")
    (tmp_path / "frames" / "frames.json").write_bytes(msgspec.json.encode(index))
    model = {"architecture": SPEC.architecture, "classes": list(SPEC.classes), "input_size": list(SPEC.input_size)}
    queries = []
    for name in "ab":
        torch.manual_seed(ord(name))
        save_file(build(SPEC).state_dict(), tmp_path / f"{name}.safetensors")
        weights = {"weights": f"{name}.safetensors"}
        data = {"format": "frames", "train": "frames"}
        queries.append({"name": name, "task": "classification", "model": model | weights, "data": data})
    path = tmp_path / "WORKLOAD.yaml"
    path.write_text(yaml.safe_dump({"queries": queries}))
    return path


def core(workload: Path, out: str, kill_at: str, *flags: str) -> tuple[int | None, list[dict]]:
    """Exit status and events."""
    output = workload.parent / f"{out}{''.join(flags)}.jsonl"
    process = forked(main, str(workload), str(workload.parent / out), kill_at, *flags, output=output)
    process.join(240)
    return process.exitcode, [json.loads(line) for line in output.read_text().splitlines()]


def merged_weights(out: Path) -> list:
    manifest = decode_manifest((out / "bundle" / "manifest.json").read_bytes())
    return [(model.slot, model.tensors) for model in manifest.models]


def test_a_killed_process_that_is_resumed_reaches_the_same_weights(workload: Path) -> None:
    status, _ = core(workload, "undisturbed", "-")
    undisturbed = read_result(workload.parent / "undisturbed" / "result.json")
    assert (status, undisturbed.finished, len(undisturbed.merged_groups)) == (0, True, 1)
    for kill_at in ("20", "40"):  # in the middle of an evaluation, most often
        out = workload.parent / f"killed-{kill_at}"
        assert core(workload, out.name, kill_at)[0] == -signal.SIGKILL
        status, events = core(workload, out.name, "-", "--resume")
        resumed = next(event for event in events if event["type"] == "resumed")
        assert status == 0
        assert 0 < resumed["samples_seen"] < undisturbed.samples_seen
        result = read_result(out / "result.json")
        assert result.samples_seen == undisturbed.samples_seen
        assert merged_weights(out) == merged_weights(workload.parent / "undisturbed")
