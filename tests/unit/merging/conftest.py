"""Tiny networks and pictures; nothing here renders, downloads or trains for long."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from edge_runtime.vision.architectures import build
from edge_runtime.vision.spec import ModelSpec, Task
from workers.merging.frames import FrameSet
from workers.merging.queries import MergingQuery, merging_query
from workers.merging.splits import Splits
from workers.merging.workload import FolderData, ModelPart, QueryPart

SIZE = (32, 32)
CLASSES = ("day", "dusk", "night")


class Pair(nn.Module):
    """Two layers of one signature, one of another, one private normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.norm = nn.BatchNorm1d(4)
        self.second = nn.Linear(4, 4)
        self.last = nn.Linear(4, 2, bias=False)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.last(self.second(self.norm(self.first(batch))))
        return out


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def pairs() -> dict[str, nn.Module]:
    torch.manual_seed(3)
    return {name: Pair() for name in ("a", "b", "c")}


def frame_set(spec: ModelSpec, count: int, seed: int) -> FrameSet:
    pictures = np.random.default_rng(seed).integers(0, 255, (count, *SIZE, 3), dtype=np.uint8)
    return FrameSet(spec, pictures, (None,) * count)


def query_part(name: str, architecture: str, target: float) -> QueryPart:
    model = ModelPart(architecture=architecture, weights="unused", classes=CLASSES, input_size=SIZE)
    return QueryPart(
        name=name, task=Task.CLASSIFICATION, model=model, data=FolderData("unused"), accuracy_target=target
    )


@pytest.fixture
def make_query() -> Callable[..., MergingQuery]:
    """An unlabelled classification query on noise pictures: agreement is what counts.

    `network` stands in for one of the architecture, which then only names the task.
    """

    def make(
        name: str,
        *,
        architecture: str = "resnet18_w24",
        target: float = 0.95,
        seed: int = 1,
        network: nn.Module | None = None,
    ) -> MergingQuery:
        part = query_part(name, architecture, target)
        torch.manual_seed(seed)
        original = (build(part.model.spec) if network is None else network).requires_grad_(False)
        frames = Splits(*(frame_set(part.model.spec, 8, seed) for seed in (1, 2, 3)))
        return merging_query(part, original, frames, torch.device("cpu"))

    return make
