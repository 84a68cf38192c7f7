"""Measures a bundle on this machine: loading, running and memory of every model, and keeps what was measured.

Measured alone and repeatedly, outside any budget; a box in operation corrects the figures by what runs really take.
"""

import hashlib
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from edge_runtime.bundles.files import write_atomically
from edge_runtime.protocol.manifest import Manifest, encode_manifest, sha256_hex
from edge_runtime.scheduling.measured import (
    MeasuredBatch,
    MeasuredBundle,
    MeasuredModel,
    ProfileUnreadable,
    Timing,
    decode_measured,
    encode_measured,
)
from edge_runtime.serving.answering import answer, batch_of
from edge_runtime.serving.device_memory import DeviceMemory, TensorSource
from edge_runtime.serving.preparation import BATCH_SIZES, PICTURE, ServedModel, served_models
from edge_runtime.serving.skeleton import Skeleton
from edge_runtime.serving.tally import percentile
from edge_runtime.serving.transfer import Transfer
from edge_runtime.vision.activations import activation_bytes

_AMPLE_BYTES = 2**50
_LONGEST_S = 3.0  # of one model and batch size: a slow model is repeated less often, at least _LEAST times
_LEAST = 3


def bundle_digest(manifest: Manifest) -> str:
    return sha256_hex(encode_manifest(manifest))


class MeasuredFolder:
    """Keeps one file per hardware and bundle."""

    def __init__(self, folder: Path, hardware: str) -> None:
        self._folder, self.hardware = folder, hardware

    def load(self, bundle: str) -> MeasuredBundle | None:
        """None where nothing was measured here, or what was cannot be read."""
        try:
            return decode_measured(self._path(bundle).read_bytes())
        except (OSError, ProfileUnreadable):
            return None

    def save(self, measured: MeasuredBundle) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(measured.bundle)
        write_atomically(path, encode_measured(measured))
        return path

    def _path(self, bundle: str) -> Path:
        return self._folder / f"{hashlib.sha256(self.hardware.encode()).hexdigest()[:12]}-{bundle[:32]}.json"


def measure_bundle(
    manifest: Manifest,
    tensor: TensorSource,
    *,
    transfer: Transfer,
    device: torch.device,
    hardware: str,
    overhead_bytes: int,
    repetitions: int,
    clock: Callable[[], float] = time.perf_counter,
) -> MeasuredBundle:
    """Raises what building, loading and running a model raises."""
    memory = DeviceMemory(budget_bytes=_AMPLE_BYTES, overhead_bytes=0, transfer=transfer)
    models = list(served_models(manifest, [entry.slot for entry in manifest.models], device).values())
    measuring = _Measuring(memory, tensor, device, _Repetition(repetitions, clock))
    measured = [measuring.model(model, beside) for model, beside in zip(models, models[1:] + models[:1], strict=True)]
    load_ms = sum(model.load.median_ms for model in measured)
    return MeasuredBundle(
        bundle=bundle_digest(manifest),
        hardware=hardware,
        measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
        repetitions=repetitions,
        overhead_bytes=overhead_bytes,
        load_bytes_per_s=1000 * sum(sum(model.tensors.values()) for model in measured) / load_ms,
        models=tuple(measured),
    )


class _Repetition:
    def __init__(self, times: int, clock: Callable[[], float]) -> None:
        self._times, self._clock = times, clock

    def timing(self, job: Callable[[], object], before: Callable[[], object] = lambda: None) -> Timing:
        """Of `job`, after it ran once for nothing: the first run fills caches."""
        before()
        job()
        times_ms: list[float] = []
        while len(times_ms) < _LEAST or (len(times_ms) < self._times and sum(times_ms) < 1000 * _LONGEST_S):
            before()
            started_at = self._clock()
            job()
            times_ms.append(1000 * (self._clock() - started_at))
        low_ms, high_ms = percentile(times_ms, 10), percentile(times_ms, 90)
        return Timing(statistics.median(times_ms), low_ms or 0.0, high_ms or 0.0)


@dataclass(frozen=True)
class _Measuring:
    memory: DeviceMemory
    tensor: TensorSource
    device: torch.device
    repetition: _Repetition

    def model(self, model: ServedModel, beside: ServedModel) -> MeasuredModel:
        """`beside`: whose layers are copied while `model` runs, to see what that costs it."""
        skeleton = model.skeleton
        self.memory.evict(self.memory.resident())
        load = self.repetition.timing(lambda: self.memory.load(skeleton, self.tensor), before=self._empty)
        switch = self.repetition.timing(lambda: self._switch(skeleton), before=lambda: self._load(skeleton))
        batches = tuple(self._batch(model, beside, size) for size in BATCH_SIZES)
        sizes = {key: wanted.size_bytes for key, wanted in skeleton.wanted.items()}
        return MeasuredModel(model.slot, skeleton.spec.architecture, sizes, load, batches, switch)

    def _load(self, skeleton: Skeleton) -> None:
        self.memory.load(skeleton, self.tensor)

    def _switch(self, skeleton: Skeleton) -> None:
        self.memory.attach(skeleton)
        self.memory.evict(skeleton.wanted)

    def _batch(self, model: ServedModel, beside: ServedModel, size: int) -> MeasuredBatch:
        pictures: list[np.ndarray] = [PICTURE] * size
        copied = tuple(key for key in beside.skeleton.wanted if key not in model.skeleton.wanted)

        def run() -> None:
            answer(model.skeleton, model.functions, pictures, self.device)

        def reload() -> None:
            self._empty()
            self.memory.load(model.skeleton, self.tensor)
            self.memory.attach(model.skeleton)

        def run_swapping() -> None:
            self.memory.copy_ahead(beside.skeleton, copied, self.tensor)
            run()

        reload()
        batch = batch_of(pictures, model.skeleton.spec, self.device)
        needed_bytes = activation_bytes(model.skeleton.module, batch)
        alone = self.repetition.timing(run)
        return MeasuredBatch(size, alone, needed_bytes, self.repetition.timing(run_swapping, before=reload))

    def _empty(self) -> None:
        self.memory.evict(self.memory.resident())
