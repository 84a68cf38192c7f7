"""A merge run as the worker starts it, on a GPU: told to stop it writes its checkpoint, and goes on from there."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmarks.live_merge import write_workload
from demo.content import load_content
from workers.merging.cli.session import CANCELLED
from workers.merging.result import read_result

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
ROOT = Path(__file__).parents[2]


def started(workload: Path, out: Path, *flags: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "workers.merging", "run", str(workload), "--out", str(out), "--events", "-"]
    return subprocess.Popen([*command, "--device", "cuda", *flags], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_a_run_that_was_stopped_goes_on_and_saves_memory(tmp_path: Path) -> None:
    workload, out = write_workload(load_content(), tmp_path, frames=120), tmp_path / "out"
    first = started(workload, out)
    assert first.stdout is not None
    evaluated = 0
    for line in first.stdout:
        evaluated += json.loads(line)["type"] == "evaluated"
        if evaluated == 2:
            break
    first.terminate()
    first.communicate(timeout=60)
    assert first.returncode == CANCELLED

    second = started(workload, out, "--resume", "--time-limit", "1m")
    said, _ = second.communicate(timeout=200)
    assert second.returncode == 0
    types = [json.loads(line)["type"] for line in said.splitlines()]
    assert "resumed" in types
    result = read_result(out / "result.json")
    assert result.finished
    assert result.bytes_after < result.bytes_before
