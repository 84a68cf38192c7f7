"""What the runtime costs beside the model: frames/s with one resident model against a bare PyTorch loop.

Both see the same decoded pictures and do the same to them: preprocessing, forward pass, decoding of the answers. The
runtime is the whole executor; every answer offers the next picture, so that a model never waits for one. One at a time,
and as many as make the largest batch. Rounds are interleaved, ratios are within a round. `make bench-overhead`.
"""

import argparse
import itertools
import logging
import statistics
import threading
import time
from collections.abc import Iterator
from typing import Any

import cv2
import msgspec
import numpy as np
import torch

from benchmarks.claims import Check, check_lines
from benchmarks.machine import named, save
from demo.content import load_content
from edge_runtime.app import chosen_device, overhead_bytes
from edge_runtime.bundles.tensors import tensor_entry
from edge_runtime.protocol.manifest import Manifest, ModelEntry
from edge_runtime.protocol.target import QueryTarget
from edge_runtime.scenes import Scene, parse_scene
from edge_runtime.serving.answering import batch_of
from edge_runtime.serving.engine import Result
from edge_runtime.serving.executor import Executor
from edge_runtime.serving.preparation import BATCH_SIZES
from edge_runtime.vision.architectures import architecture, build
from edge_runtime.vision.spec import Frame, ModelSpec
from edge_runtime.vision.tasks import functions_for

LEAST_OF_BARE = 0.95
SPECS = (
    ModelSpec("resnet18_w24", ("a", "b"), (112, 192)),
    ModelSpec("mobilenet_v3_small", ("a", "b"), (224, 224)),
    ModelSpec("resnet50", ("a", "b"), (224, 224)),
)
_PICTURES = 16
_AMPLE_BYTES = 2**36
_RATE_FPS, _AMPLE_DEADLINE_MS = 100.0, 60_000


def pictures() -> list[np.ndarray]:
    """(H, W, 3) uint8 RGB, as a camera of the demo shows them."""
    scene = Scene(parse_scene(load_content().cameras[0].source))
    return [scene.render(round(36_000 * scene.rate_fps) + number).image for number in range(_PICTURES)]


class Bare:
    def __init__(self, spec: ModelSpec, network: torch.nn.Module, device: torch.device) -> None:
        self._spec, self._network, self._device = spec, network.to(device), device
        self._predict = functions_for(spec).predict

    def seconds(self, shown: list[np.ndarray], frames: int, at_once: int) -> float:
        """Of `frames` pictures, `at_once` in a batch."""
        ring = itertools.cycle(shown)
        started_at = time.perf_counter()
        for _ in range(frames // at_once):
            self._predict(self._network, batch_of([next(ring) for _ in range(at_once)], self._spec, self._device))
        return time.perf_counter() - started_at


class Runtime:
    def __init__(self, spec: ModelSpec, network: torch.nn.Module, device: str, threads: int) -> None:
        self._offering: Iterator[Frame] = iter(())
        self._left, self._done, self._captured_at = 0, threading.Event(), 0.0
        self._executor = Executor(
            budget_bytes=_AMPLE_BYTES,
            overhead_bytes=overhead_bytes(device),
            device=device,
            threads=threads,
            on_result=self._answered,
        )
        state = network.state_dict()
        entries = {name: tensor_entry(tensor) for name, tensor in state.items()}
        tensors = {entries[name].digest: tensor for name, tensor in state.items()}
        task = architecture(spec.architecture).task.value
        model = ModelEntry("only", task, spec.architecture, spec.classes, spec.input_size, entries)
        query = QueryTarget("q", "q", "only", "camera", (), _RATE_FPS, _AMPLE_DEADLINE_MS, 0.9)
        manifest = Manifest("overhead", 1, (model,), "2026-01-01T00:00:00Z")
        prepared = self._executor.prepare(manifest, [query], lambda entry: tensors[entry.digest])
        self._executor.activate(prepared)

    def seconds(self, shown: list[np.ndarray], frames: int, at_once: int) -> float:
        """Of `frames` pictures, of which `at_once` wait whenever a visit is decided."""
        self._left = frames
        self._done.clear()
        self._offering = self._frames(shown, frames)
        first = list(itertools.islice(self._offering, at_once))
        started_at = time.perf_counter()
        for frame in first:
            self._executor.offer(frame)
        self._done.wait()
        return time.perf_counter() - started_at

    def _frames(self, shown: list[np.ndarray], frames: int) -> Iterator[Frame]:
        """By their times at the query's rate, so that none is thinned out; handed over as fast as they are answered."""
        for number in range(frames):
            self._captured_at = max(self._captured_at + 1 / _RATE_FPS, time.monotonic())
            yield Frame("camera", number, shown[number % len(shown)], self._captured_at, self._captured_at)

    def _answered(self, result: Result) -> None:
        self._left -= 1
        following = next(self._offering, None)
        if following is not None:
            self._executor.offer(following)
        if not self._left:
            self._done.set()

    def stop(self) -> None:
        self._executor.stop()


def measured(spec: ModelSpec, shown: list[np.ndarray], options: argparse.Namespace) -> dict[str, Any]:
    torch.manual_seed(1)
    network = build(spec).eval()
    runtime = Runtime(spec, network, options.device, options.threads)
    bare = Bare(spec, network, torch.device(options.device))
    found: dict[str, Any] = {}
    for at_once in (1, BATCH_SIZES[-1]):
        frames = _frames_for(bare, shown, options.seconds, at_once)
        pairs = []
        for number in range(options.runs + 1):
            pair = bare.seconds(shown, frames, at_once), runtime.seconds(shown, frames, at_once)
            if number:  # the first warms both up
                pairs.append(pair)
        found[f"{at_once} at once"] = {
            "frames": frames,
            "bare_fps": frames / statistics.median(bare_s for bare_s, _ in pairs),
            "runtime_fps": frames / statistics.median(runtime_s for _, runtime_s in pairs),
            "of_bare": statistics.median(bare_s / runtime_s for bare_s, runtime_s in pairs),
            "of_bare_by_round": [round(bare_s / runtime_s, 4) for bare_s, runtime_s in pairs],
        }
    runtime.stop()
    return found


def _frames_for(bare: Bare, shown: list[np.ndarray], seconds: float, at_once: int) -> int:
    one_s = bare.seconds(shown, 4 * at_once, at_once) / (4 * at_once)
    return max(round(seconds / one_s / at_once), 4) * at_once


def checks(models: dict[str, dict[str, Any]]) -> list[Check]:
    return [
        Check(
            f"{name}, {kind}: at least {LEAST_OF_BARE:.0%} of the bare loop's frames/s",
            found["of_bare"] >= LEAST_OF_BARE,
            f"{found['of_bare']:.1%}",
        )
        for name, kinds in models.items()
        for kind, found in kinds.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=[spec.architecture for spec in SPECS])
    parser.add_argument("--runs", type=int, default=15, help="rounds; the figures are their medians")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each half of a round")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    options.device = chosen_device(options.device)
    logging.disable(logging.WARNING)  # that more frames come than can be answered is on purpose
    cv2.setNumThreads(1)
    torch.set_num_threads(options.threads)
    shown, models = pictures(), dict[str, dict[str, Any]]()
    for name in options.models:
        known = (spec for spec in SPECS if spec.architecture == name)
        spec = next(known, ModelSpec(name, ("a", "b"), (224, 224)))
        models[name] = measured(spec, shown, options)
        for kind, found in models[name].items():
            figures = f"{found['bare_fps']:.1f} frames/s bare, {found['runtime_fps']:.1f} in the runtime"
            print(f"{name}, {kind}: {figures}, {found['of_bare']:.1%}", flush=True)
    found_checks = checks(models)
    print("\n".join(check_lines(found_checks)))
    result = {"device": options.device, "threads": options.threads, "runs": options.runs, "models": models}
    path = save(named("overhead", options.device), {"checks": msgspec.to_builtins(found_checks), **result})
    print(f"Written to {path}")


if __name__ == "__main__":
    main()
