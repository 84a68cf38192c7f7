"""Measures a bundle on this machine: loading, running and memory of every model, and keeps what was measured.

Measured alone and repeatedly, outside any budget; a box in operation corrects the figures by what runs really take.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from edge_runtime.bundles.files import write_atomically
from edge_runtime.protocol.manifest import Manifest, encode_manifest, sha256_hex
from edge_runtime.scheduling.admission import full_budget, smallest_budget
from edge_runtime.scheduling.measured import (
    MeasuredBatch,
    MeasuredBundle,
    MeasuredModel,
    ProfileUnreadable,
    Timing,
    decode_measured,
    encode_measured,
)
from edge_runtime.scheduling.policies import DEFAULT_POLICY
from edge_runtime.scheduling.words import Profiles
from edge_runtime.serving.answering import answer, batch_of
from edge_runtime.serving.copying import Copying
from edge_runtime.serving.device_memory import DeviceMemory, TensorSource
from edge_runtime.serving.engine import Surroundings
from edge_runtime.serving.preparation import BATCH_SIZES, PICTURE, ServedModel, served_models
from edge_runtime.serving.repetition import Repetition, timing_of
from edge_runtime.serving.switching import Switch
from edge_runtime.serving.transfer import Transfer
from edge_runtime.serving.visits import Served, own_work_ms
from edge_runtime.vision.activations import activation_bytes

_AMPLE_BYTES = 2**50
_LEAST_COPYING = 0.1  # of a load: a link so fast that only switching shows has a speed all the same


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
    models = list(served_models(manifest, [entry.slot for entry in manifest.models], device).values())
    repetition = Repetition(repetitions, clock)
    measuring = _Measuring(transfer, tensor, device, repetition)
    measured = tuple(map(measuring.model, models))
    profiles = Profiles(tuple(model.profile() for model in measured))
    served = Served(manifest, models, profiles, tensor)

    def visits(budget_bytes: int) -> Timing | None:
        surroundings = Surroundings(device, clock, lambda result: None, DEFAULT_POLICY)
        times_ms = own_work_ms(served, budget_bytes, transfer, surroundings, repetition)
        return timing_of(times_ms) if times_ms else None

    return MeasuredBundle(
        bundle=bundle_digest(manifest),
        hardware=hardware,
        measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
        repetitions=repetitions,
        overhead_bytes=overhead_bytes,
        load_bytes_per_s=_load_bytes_per_s(measured),
        models=measured,
        visit=visits(full_budget(profiles.models)),
        short_visit=visits(smallest_budget(profiles.models)),
    )


def _load_bytes_per_s(models: Sequence[MeasuredModel]) -> float:
    """Of copying alone: what else a load takes is counted as switching."""
    load_ms = sum(model.load.median_ms for model in models)
    switch_ms = sum(model.switch.median_ms for model in models if model.switch)
    copy_ms = max(load_ms - switch_ms, load_ms * _LEAST_COPYING)
    return 1000 * sum(sum(model.tensors.values()) for model in models) / copy_ms


@dataclass(frozen=True)
class _Measuring:
    transfer: Transfer
    tensor: TensorSource
    device: torch.device
    repetition: Repetition

    def model(self, model: ServedModel) -> MeasuredModel:
        skeleton = model.skeleton
        switch = self.repetition.timing(Switch(skeleton, self.tensor))
        memory = DeviceMemory(budget_bytes=_AMPLE_BYTES, overhead_bytes=0, transfer=self.transfer, copies_ahead=False)

        def load() -> None:
            memory.evict(skeleton.wanted)
            memory.load(skeleton, self.tensor)
            memory.attach(skeleton)

        loaded = self.repetition.timing(load)
        copying = Copying(skeleton, self.tensor, self.transfer)
        batches = tuple(self._batch(model, size, load, copying) for size in BATCH_SIZES)
        memory.evict(skeleton.wanted)
        sizes = {key: wanted.size_bytes for key, wanted in skeleton.wanted.items()}
        return MeasuredModel(model.slot, skeleton.spec.architecture, sizes, loaded, batches, switch)

    def _batch(self, model: ServedModel, size: int, load: Callable[[], None], copying: Copying) -> MeasuredBatch:
        """All kinds of runs in turn, and with weights that lie elsewhere each time: that alone can make a tenth."""
        pictures: list[np.ndarray] = [PICTURE] * size
        needed_bytes = activation_bytes(model.skeleton.module, batch_of(pictures, model.skeleton.spec, self.device))

        def run() -> None:
            answer(model.skeleton, model.functions, pictures, self.device)

        times_ms: list[tuple[float, float, float]] = []
        for _ in self.repetition.rounds():
            load()
            after_load_ms, run_ms = self.repetition.timed(run), self.repetition.timed(run)
            with copying.going_on():
                times_ms.append((run_ms, after_load_ms, self.repetition.timed(run)))
        alone, after_load, beside_copy = map(timing_of, zip(*times_ms[1:], strict=True))
        return MeasuredBatch(size, alone, needed_bytes, after_load, beside_copy)
