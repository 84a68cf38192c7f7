"""Serving without cameras, disk or threads: small real networks as bundles in memory, a clock that moves when told."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from edge_runtime.bundles.tensors import TORCH_DTYPES, tensor_entry
from edge_runtime.protocol.manifest import Manifest, ModelEntry, TensorEntry
from edge_runtime.protocol.target import QueryTarget
from edge_runtime.scheduling.policies import DEFAULT_POLICY
from edge_runtime.scheduling.words import Profiles
from edge_runtime.serving.device_memory import DeviceMemory
from edge_runtime.serving.engine import Engine, Result, Surroundings
from edge_runtime.serving.intake import Intake
from edge_runtime.serving.preparation import Prepared, models_of
from edge_runtime.serving.tally import Tally
from edge_runtime.serving.transfer import HostTransfer, LimitedTransfer
from edge_runtime.vision.architectures import Architecture, Head, build
from edge_runtime.vision.spec import Frame, ModelSpec


def _construct(spec: ModelSpec) -> nn.Module:
    layers = {
        "conv1": nn.Conv2d(3, 16, 3, 2, bias=False),
        "bn1": nn.BatchNorm2d(16),
        "relu": nn.ReLU(),
        "conv2": nn.Conv2d(16, 64, 3, 2, bias=False),
        "bn2": nn.BatchNorm2d(64),
        "conv3": nn.Conv2d(64, 128, 3, bias=False),
        "pool": nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten(),
        "fc": nn.Linear(128, len(spec.classes)),
    }
    return nn.Sequential(OrderedDict(layers))


# Every kind of layer that serving treats differently, in a third of a megabyte, most of it in conv3.
TINY = Architecture("tiny", Head.LOGITS, _construct)
SPEC = ModelSpec("tiny", ("car", "person"), (16, 16))
MODEL_BYTES = 4 * (3 * 16 * 9 + 4 * 16 + 16 * 64 * 9 + 4 * 64 + 64 * 128 * 9 + 128 * 2 + 2)


class FakeClock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class BundleOnShelf:
    """Tensors by digest, and the models made of them."""

    tensors: dict[str, torch.Tensor] = field(default_factory=dict)
    models: list[ModelEntry] = field(default_factory=list)

    def put(self, state: dict[str, torch.Tensor]) -> dict[str, TensorEntry]:
        entries = {name: tensor_entry(tensor) for name, tensor in state.items()}
        self.tensors.update((entries[name].digest, tensor) for name, tensor in state.items())
        return entries

    def add(
        self,
        slot: str,
        state: dict[str, torch.Tensor],
        *,
        spec: ModelSpec = SPEC,
        original: dict[str, torch.Tensor] | None = None,
    ) -> None:
        self.models.append(
            ModelEntry(
                slot=slot,
                task="classification",
                architecture=spec.architecture,
                classes=spec.classes,
                input_size=spec.input_size,
                tensors=self.put(state),
                original_tensors=None if original is None else self.put(original),
            )
        )

    def tensor(self, entry: TensorEntry) -> torch.Tensor:
        """As from a file: the bytes are the digest's, dtype and shape the entry's."""
        flat = self.tensors[entry.digest].contiguous().reshape(-1).view(torch.uint8)
        return flat.view(TORCH_DTYPES[entry.dtype]).reshape(entry.shape)

    def manifest(self, version: int = 1) -> Manifest:
        return Manifest(box="box", version=version, models=tuple(self.models), created_at="2026-01-01T00:00:00Z")


def state_of(seed: int, spec: ModelSpec = SPEC) -> dict[str, torch.Tensor]:
    """Weights and running statistics as drawn from `seed`."""
    generator = torch.Generator().manual_seed(seed)
    state = build(spec).state_dict()
    return {
        name: torch.rand(tensor.shape, generator=generator) * 0.1 + 0.01 if tensor.is_floating_point() else tensor
        for name, tensor in state.items()
    }


def merged_with(state: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """`other` with the convolutions of `state`: all but its normalisation and its head."""
    return {name: state[name] if tensor.dim() == 4 else tensor for name, tensor in other.items()}


def query_on(
    slot: str, *, camera: str = "camera", deadline_ms: int = 500, rate_fps: float = 10.0, **more: Any
) -> QueryTarget:
    return QueryTarget(
        query=f"query-{slot}",
        name=f"Find {slot}",
        slot=slot,
        camera=camera,
        objects=("car",),
        rate_fps=rate_fps,
        deadline_ms=deadline_ms,
        accuracy_target=0.95,
        **more,
    )


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (32, 32, 3), dtype=np.uint8)


def frame_at(captured_at: float, *, camera: str = "camera", index: int = 0) -> Frame:
    return Frame(camera=camera, index=index, image=picture(index), captured_at=captured_at, at=captured_at)


class Rig:
    """An engine without a thread: the test is its thread, and time passes when the test or a slow swap says so."""

    def __init__(
        self,
        clock: FakeClock,
        *,
        budget_bytes: int = 100_000_000,
        overhead_bytes: int = 1_000,
        bandwidth: float | None = None,
        policy: str = DEFAULT_POLICY,
        copies_ahead: bool = False,
    ) -> None:
        self.clock = clock
        self.results: list[Result] = []
        self.on_result: Callable[[Result], None] = self.results.append
        self.on_pause: Callable[[float], None] = clock.advance
        self.chance = 0.5  # the middle of what chance may draw
        transfer = HostTransfer()
        if bandwidth is not None:
            transfer = LimitedTransfer(transfer, bandwidth, pause=lambda seconds: self.on_pause(seconds), clock=clock)
        # Nothing is copied ahead unless asked for: a second thread would move the clock when it likes.
        self.memory = DeviceMemory(
            budget_bytes=budget_bytes, overhead_bytes=overhead_bytes, transfer=transfer, copies_ahead=copies_ahead
        )
        self.tally = Tally()
        self.intake = Intake(self.tally.dropped)
        surroundings = Surroundings(
            torch.device("cpu"), clock, lambda result: self.on_result(result), policy, lambda: self.chance
        )
        self.engine = Engine(self.memory, self.intake, self.tally, surroundings)

    def prepare(self, shelf: BundleOnShelf, queries: list[QueryTarget], version: int = 1) -> Prepared:
        manifest = shelf.manifest(version)
        models = models_of(manifest, queries, torch.device("cpu"))
        profiles = Profiles(tuple(self.engine.measure(model, shelf.tensor) for model in models.values()))
        return Prepared(manifest, tuple(queries), models, profiles, {}, shelf.tensor)

    def run(self, shelf: BundleOnShelf, queries: list[QueryTarget]) -> Prepared:
        prepared = self.prepare(shelf, queries)
        self.engine.activate(prepared)
        return prepared

    def drain(self) -> None:
        while self.engine.step():
            pass
