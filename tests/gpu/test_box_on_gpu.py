"""A whole box on a GPU while cameras, bundles and the server come and go: what it takes of the card is its budget."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from benchmarks.soak.comings import BYTES_FOR_MODELS
from edge_runtime.health.accelerators import Accelerators

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
ROOT = Path(__file__).parents[2]
MIB = 2**20


@contextmanager
def most_used_bytes() -> Iterator[list[int]]:
    """Of all cards together, above what was used before; one figure, complete at the end. Nobody else may use them."""
    gpus, ended = Accelerators(), threading.Event()

    def used() -> int:
        return sum(sample.memory_used_bytes or 0 for sample in gpus.read())

    before, most = used(), [0]

    def watch() -> None:
        while not ended.wait(0.05):
            most[0] = max(most[0], used() - before)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield most
    finally:
        ended.set()
        watcher.join()


def overhead_in_a_process_of_its_own() -> int:
    code = "from edge_runtime.app import overhead_bytes; print(overhead_bytes('cuda'))"
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return int(said.stdout)


def test_a_box_on_the_gpu_stays_within_its_budget_while_everything_comes_and_goes(tmp_path: Path) -> None:
    overhead_bytes, out = overhead_in_a_process_of_its_own(), tmp_path / "soak.json"
    time.sleep(1)  # for the card to be free of that process
    looser = ["--step-seconds", "0.8", "--rss-tolerance", "0.12", "--thread-tolerance", "8"]
    command = [sys.executable, "-m", "benchmarks.soak", "--minutes", "0.75", *looser, "--out", str(out)]
    with most_used_bytes() as most:
        ended = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=280)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert all(claim["held"] for claim in json.loads(out.read_text())["claims"])
    print(f"overhead {overhead_bytes / MIB:.0f} MiB, the card's most {most[0] / MIB:.0f} MiB")
    assert overhead_bytes > 100 * MIB
    assert most[0] <= overhead_bytes + BYTES_FOR_MODELS
