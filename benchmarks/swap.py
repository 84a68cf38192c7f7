"""How fast a model's weights become resident, against what else could bring them there. `make bench-swap`.

Through the real serving path (DeviceMemory and its transfer: evict, load, attach) against `load_state_dict` into a
network that is there, against `.to(device)` of every tensor, and against one plain copy of as many bytes in one block,
the floor: into fresh memory as a swap needs it. Beside them that copy into memory that was touched before, which only a
process that never gives memory back can use. Sources are mapped files whose pages are in memory; on CUDA the plain
copies are from page-locked memory. Rounds are interleaved, ratios are within a round, figures are medians.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import Tensor

from benchmarks.claims import Check, check_lines
from benchmarks.machine import named, save
from edge_runtime.app import chosen_device
from edge_runtime.bundles.tensors import map_tensor, tensor_entry, write_bundle
from edge_runtime.protocol.manifest import Manifest, ModelEntry, TensorEntry
from edge_runtime.protocol.sizes import format_size
from edge_runtime.serving.device_memory import DeviceMemory
from edge_runtime.serving.skeleton import Skeleton
from edge_runtime.serving.transfer import transfer_to
from edge_runtime.vision.architectures import architecture, build
from edge_runtime.vision.spec import ModelSpec

PLAIN = "plain copy"
SERVING = "serving"
LEAST_OF_PLAIN = 0.8
_AMPLE_BYTES = 2**50


class Rival:
    """One model in every way that it can be brought to `device`. Each method does it once; `free` lets all go."""

    def __init__(self, name: str, folder: Path, device: torch.device) -> None:
        self.spec, self._device = ModelSpec(name, ("a", "b"), (224, 224)), device
        self._network = build(self.spec).eval()
        state = {key: tensor for key, tensor in self._network.state_dict().items() if tensor.dim()}
        entries = {key: tensor_entry(tensor) for key, tensor in state.items()}
        write_bundle(folder, _manifest(self.spec, entries), {entries[key].digest: state[key] for key in state})
        self._folder = folder
        self._mapped = {key: self._tensor(entry) for key, entry in entries.items()}
        self._network.to(device)
        self._skeleton = Skeleton(self.spec, entries, device)
        self._memory = DeviceMemory(budget_bytes=_AMPLE_BYTES, overhead_bytes=0, transfer=transfer_to(device))
        self.size_bytes = self._skeleton.weight_bytes
        self._block = self._one_block()
        self._there = torch.zeros(self.size_bytes, dtype=torch.uint8, device=device)
        self._held: list[Tensor] = []

    def ways(self) -> dict[str, Callable[[], object]]:
        return {
            SERVING: self._serve,
            "load_state_dict": lambda: self._network.load_state_dict(self._mapped, strict=False),
            ".to(device)": self._to,
            PLAIN: self._copy_fresh,
            "plain copy, touched memory": lambda: self._there.copy_(self._block, non_blocking=True),
        }

    def free(self) -> None:
        self._memory.evict(self._memory.resident())
        self._held = []

    def seconds(self, way: Callable[[], object]) -> float:
        self.free()
        self._wait()
        started_at = time.perf_counter()
        way()
        self._wait()
        return time.perf_counter() - started_at

    def _serve(self) -> None:
        self._memory.load(self._skeleton, self._tensor)
        self._memory.attach(self._skeleton)

    def _to(self) -> None:
        self._held = [tensor.to(self._device, copy=True) for tensor in self._mapped.values()]

    def _copy_fresh(self) -> None:
        fresh = torch.empty(self.size_bytes, dtype=torch.uint8, device=self._device)
        self._held = [fresh.copy_(self._block, non_blocking=True)]

    def _one_block(self) -> Tensor:
        if self._device.type == "cuda":
            return torch.zeros(self.size_bytes, dtype=torch.uint8).pin_memory()
        path = self._folder / "block"
        path.write_bytes(b"\1" * self.size_bytes)
        return torch.from_file(str(path), shared=False, size=self.size_bytes, dtype=torch.uint8)

    def _tensor(self, entry: TensorEntry) -> Tensor:
        return map_tensor(entry, self._folder / "blobs" / entry.digest)

    def _wait(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)


def _manifest(spec: ModelSpec, entries: dict[str, TensorEntry]) -> Manifest:
    task = architecture(spec.architecture).task.value
    model = ModelEntry("only", task, spec.architecture, spec.classes, spec.input_size, entries)
    return Manifest("swap", 1, (model,), "2026-01-01T00:00:00Z")


def measured(rival: Rival, runs: int) -> dict[str, Any]:
    """By way: bytes/s, and how many times the plain copy's within the same round; medians."""
    ways = rival.ways()
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(runs + 1):
        for name, way in ways.items():
            seconds = rival.seconds(way)
            if number:  # the first round makes sources ready and fills caches
                times[name].append(seconds)
    return {
        "size_bytes": rival.size_bytes,
        "ways": {
            name: {
                "bytes_per_s": rival.size_bytes / statistics.median(found),
                "of_plain": statistics.median(
                    plain_s / own_s for plain_s, own_s in zip(times[PLAIN], found, strict=True)
                ),
            }
            for name, found in times.items()
        },
    }


def checks(models: dict[str, dict[str, Any]]) -> list[Check]:
    return [
        Check(
            f"{name} becomes resident at {LEAST_OF_PLAIN:.0%} of a plain copy's bandwidth or more",
            found["ways"][SERVING]["of_plain"] >= LEAST_OF_PLAIN,
            f"{found['ways'][SERVING]['of_plain']:.0%}",
        )
        for name, found in models.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["resnet50", "vgg16"])
    parser.add_argument("--runs", type=int, default=15, help="of every way, interleaved")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device, models = chosen_device(options.device), dict[str, dict[str, Any]]()
    for name in options.models:
        with tempfile.TemporaryDirectory() as folder:
            models[name] = measured(Rival(name, Path(folder), torch.device(device)), options.runs)
        print(f"{name}, {format_size(models[name]['size_bytes'])} on {device}, medians of {options.runs}")
        for way, found in models[name]["ways"].items():
            print(f"  {way:<28} {found['bytes_per_s'] / 1e9:>7.2f} GB/s {found['of_plain']:>8.0%} of the plain copy")
    found_checks = checks(models)
    print("\n".join(check_lines(found_checks)))
    result = {"device": device, "threads": options.threads, "runs": options.runs, "models": models}
    print(f"Written to {save(named('swap', device), {'checks': msgspec.to_builtins(found_checks), **result})}")


if __name__ == "__main__":
    main()
