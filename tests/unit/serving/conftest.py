"""Small real networks as bundles in memory, and a clock that only moves when told."""

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from edge_runtime.bundles.tensors import tensor_entry
from edge_runtime.protocol.manifest import Manifest, ModelEntry, TensorEntry
from edge_runtime.protocol.target import QueryTarget
from edge_runtime.vision.architectures import build
from edge_runtime.vision.spec import Frame, ModelSpec

SPEC = ModelSpec("resnet18_w24", ("car", "person"), (32, 32))


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
        return self.tensors[entry.digest]

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


def query_on(slot: str, *, camera: str = "camera", deadline_ms: int = 500, rate_fps: float = 10.0) -> QueryTarget:
    return QueryTarget(
        query=f"query-{slot}",
        name=slot,
        slot=slot,
        camera=camera,
        objects=("car",),
        rate_fps=rate_fps,
        deadline_ms=deadline_ms,
        accuracy_target=0.95,
    )


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (32, 32, 3), dtype=np.uint8)


def frame_at(captured_at: float, *, camera: str = "camera", index: int = 0) -> Frame:
    return Frame(camera=camera, index=index, image=picture(index), captured_at=captured_at, at=captured_at)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def shelf() -> BundleOnShelf:
    return BundleOnShelf()


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
