"""What sharing layers does to swapping: three small models on one camera, unmerged and merged, in the same run.

The budget lies halfway between what the merged and what the unmerged models need in full. `make bench-serving`.
The bundles are real ones, mapped from files; only the weights are random, which changes no time.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.machine import save
from edge_runtime.bundles.tensors import map_tensor, tensor_entry, write_bundle
from edge_runtime.protocol.manifest import Manifest, ModelEntry, TensorEntry
from edge_runtime.protocol.target import QueryTarget
from edge_runtime.scheduling.admission import full_budget, smallest_budget
from edge_runtime.serving.executor import Executor
from edge_runtime.serving.preparation import Prepared
from edge_runtime.vision.architectures import build, task_of
from edge_runtime.vision.spec import Frame, ModelSpec

CLASSES = ("bicycle", "bus", "car", "person", "truck")
SPECS = (
    ModelSpec("resnet18_w24", CLASSES, (96, 96)),
    ModelSpec("resnet18_w24", CLASSES[:3], (96, 96)),
    ModelSpec("centernet_resnet18_w24", CLASSES, (96, 160)),
)
RATE_FPS = 5.0
DEADLINE_MS = 400
OVERHEAD_BYTES = 4 * 2**20
AMPLE_BYTES = 2**30


@dataclass(frozen=True)
class Case:
    name: str
    merged: bool
    policy: str


CASES = (
    Case("unmerged, time-sharing", merged=False, policy="time-sharing"),
    Case("unmerged, merge-aware", merged=False, policy="merge-aware"),
    Case("merged, merge-aware", merged=True, policy="merge-aware"),
)


@dataclass(frozen=True)
class OnDisk:
    manifest: Manifest
    folder: Path

    def tensor(self, entry: TensorEntry) -> torch.Tensor:
        return map_tensor(entry, self.folder / "blobs" / entry.digest)


def states(*, merged: bool) -> list[dict[str, torch.Tensor]]:
    """Weights of SPECS; merged, every convolution of a trunk is the first model's."""
    torch.manual_seed(0)
    own = [build(spec).state_dict() for spec in SPECS]
    if not merged:
        return own
    trunk = {name: tensor for name, tensor in own[0].items() if tensor.dim() == 4}
    return [{name: trunk.get(name.removeprefix("trunk."), tensor) for name, tensor in state.items()} for state in own]


def bundle(folder: Path, *, merged: bool) -> OnDisk:
    given = states(merged=merged)
    models = tuple(
        ModelEntry(
            slot=f"model {number}",
            task=task_of(spec.architecture),
            architecture=spec.architecture,
            classes=spec.classes,
            input_size=spec.input_size,
            tensors={name: tensor_entry(tensor) for name, tensor in state.items()},
        )
        for number, (spec, state) in enumerate(zip(SPECS, given, strict=True))
    )
    manifest = Manifest(box="benchmark", version=1, models=models, created_at="")
    by_digest = {
        model.tensors[name].digest: tensor
        for model, state in zip(models, given, strict=True)
        for name, tensor in state.items()
    }
    write_bundle(folder, manifest, by_digest)
    return OnDisk(manifest, folder)


def queries(models: Sequence[ModelEntry]) -> list[QueryTarget]:
    return [
        QueryTarget(
            query=model.slot,
            name=model.slot,
            slot=model.slot,
            camera="camera",
            objects=("car",),
            rate_fps=RATE_FPS,
            deadline_ms=DEADLINE_MS,
            accuracy_target=0.95,
        )
        for model in models
    ]


def film(offer: Callable[[Frame], None], seconds: float) -> None:
    """A camera: frames at RATE_FPS, whatever happens to them."""
    image = np.random.default_rng(0).integers(0, 256, (360, 640, 3), dtype=np.uint8)
    started_at = time.monotonic()
    for index in range(int(seconds * RATE_FPS)):
        time.sleep(max(started_at + index / RATE_FPS - time.monotonic(), 0))
        offer(Frame("camera", index, image, time.monotonic(), time.time()))
    time.sleep(DEADLINE_MS / 1000)


def prepared_in(executor: Executor, on_disk: OnDisk) -> Prepared:
    return executor.prepare(on_disk.manifest, queries(on_disk.manifest.models), on_disk.tensor)


def needs(on_disk: OnDisk) -> tuple[int, int]:
    """(smallest, full) budget in bytes, as profiled with all the memory in the world."""
    executor = Executor(budget_bytes=AMPLE_BYTES, overhead_bytes=OVERHEAD_BYTES)
    try:
        models = prepared_in(executor, on_disk).profiles.models
        return smallest_budget(models, OVERHEAD_BYTES), full_budget(models, OVERHEAD_BYTES)
    finally:
        executor.stop()


def measured(case: Case, on_disk: OnDisk, *, budget: int, bandwidth: float | None, seconds: float) -> dict[str, Any]:
    executor = Executor(
        budget_bytes=budget, overhead_bytes=OVERHEAD_BYTES, policy=case.policy, swap_bandwidth=bandwidth
    )
    try:
        executor.activate(prepared_in(executor, on_disk))
        film(executor.offer, 1.0)  # the first loads belong to no case
        executor.sample()
        film(executor.offer, seconds)
        memory, samples = executor.sample()
    finally:
        executor.stop()
    captured = sum(sample.captured for sample in samples)
    lost = sum(sample.dropped + sample.late for sample in samples)
    latencies = [sample.latency_p95_ms for sample in samples if sample.latency_p95_ms is not None]
    return {
        "case": case.name,
        "captured": captured,
        "lost": lost,
        "lost_fraction": round(lost / captured, 4),
        "swaps": sum(sample.swaps for sample in samples),
        "swap_ms_per_s": round(sum(sample.swap_ms for sample in samples) / seconds, 2),
        "worst_latency_p95_ms": round(max(latencies), 1) if latencies else None,
        "weights_bytes": memory.private + memory.shared,
        "free_bytes": memory.free,
    }


def run(seconds: float, bandwidth: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        bundles = {merged: bundle(Path(folder, str(merged)), merged=merged) for merged in (False, True)}
        (smallest, unmerged), (_, merged_full) = needs(bundles[False]), needs(bundles[True])
        budget = max((unmerged + merged_full) // 2, smallest)
        links: dict[str, float | None] = {"as fast as it goes": None, f"{bandwidth / 1e6:.0f} MB/s": bandwidth}
        rows = [
            {"link": link} | measured(case, bundles[case.merged], budget=budget, bandwidth=bytes_per_s, seconds=seconds)
            for link, bytes_per_s in links.items()
            for case in CASES
        ]
    return {
        "budget_bytes": budget,
        "smallest_budget_bytes": smallest,
        "full_budget_bytes": {"unmerged": unmerged, "merged": merged_full},
        "memory_ratio": round(merged_full / unmerged, 3),
        "rate_fps": RATE_FPS,
        "deadline_ms": DEADLINE_MS,
        "seconds": seconds,
        "rows": rows,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="of video for each case")
    parser.add_argument("--bandwidth", type=float, default=20e6, help="bytes/s of the slow link")
    options = parser.parse_args()
    result = run(options.seconds, options.bandwidth)
    for row in result["rows"]:
        print("{link:>20}  {case:<24} lost {lost:>3} of {captured:<4} swapping {swap_ms_per_s:>6} ms/s".format(**row))
    print(f"memory, merged : unmerged = {result['memory_ratio']}; written to {save('serving', result)}")


if __name__ == "__main__":
    main()
