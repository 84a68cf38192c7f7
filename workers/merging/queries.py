"""Everything a merge run holds of one query: its original network, its frames, and what to compare with."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from edge_runtime.vision.spec import ModelSpec
from edge_runtime.vision.tasks import Teaching, functions_for
from workers.merging.evaluation import Reference, reference, require_useful
from workers.merging.frames import FrameSet
from workers.merging.originals import load_merged, load_original
from workers.merging.sources import load_splits, workload_pictures
from workers.merging.splits import Splits
from workers.merging.workload import QueryPart, WorkloadFile

TEACHING_BATCH = 64
TEACHING_LIMIT_BYTES = 512 * 2**20  # of kept teaching per query; beyond it the original runs in every step


@dataclass(frozen=True)
class MergingQuery:
    """`original` is frozen and in eval mode. `teaching` is of all training frames, None where too large to keep.

    `start`: the network that training starts from, None for a copy of the original.
    """

    part: QueryPart
    original: nn.Module
    train: FrameSet
    validation: Reference
    test: Reference
    teaching: Teaching | None
    start: nn.Module | None = None

    @property
    def name(self) -> str:
        return self.part.name

    @property
    def spec(self) -> ModelSpec:
        return self.part.model.spec

    def taught(self, index: Sequence[int], inputs: torch.Tensor) -> Teaching:
        if self.teaching is not None:
            return self.teaching.chosen(index)
        return functions_for(self.spec).teach(self.original, inputs)


def load_queries(file: WorkloadFile, device: torch.device) -> Iterator[MergingQuery]:
    """Checks everything cheap for all queries first, then reads frames query by query.

    Raises the errors of load_original, and DataError or WorkloadError for data that is missing or useless.
    """
    parts = file.workload.queries
    originals = [load_original(file, part) for part in parts]
    starts = [load_merged(file, part) for part in parts]
    pictures = workload_pictures(file, parts)
    for part, original, start in zip(parts, originals, starts, strict=True):
        query = merging_query(part, original, load_splits(part, pictures.pop(part.name)), device)
        yield replace(query, start=start)


def merging_query(part: QueryPart, original: nn.Module, frames: Splits[FrameSet], device: torch.device) -> MergingQuery:
    """The query with everything worked out that the original alone decides. Raises WorkloadError."""
    original = original.to(device)
    validation, test = (reference(original, split, device) for split in (frames.validation, frames.test))
    require_useful(part.name, part.task, validation)
    teaching = _teaching(original, frames.train, device)
    if teaching is not None:
        original = original.to("cpu")  # it has said all that training asks it
    return MergingQuery(part, original, frames.train, validation, test, teaching)


def _teaching(original: nn.Module, frames: FrameSet, device: torch.device) -> Teaching | None:
    functions, parts, size = functions_for(frames.spec), [], 0
    for start in range(0, len(frames), TEACHING_BATCH):
        batch = frames.batch(range(start, min(start + TEACHING_BATCH, len(frames))), device)
        parts.append(functions.teach(original, batch))
        size += sum(tensor.numel() * tensor.element_size() for tensor in parts[-1].tensors)
        if size > TEACHING_LIMIT_BYTES:
            return None
    return Teaching.gathered(parts)


class ShuffledBatches(Iterator[list[int]]):
    """Endless batches of frame numbers; every frame once before any comes again.

    `drawn` frame numbers were given out so far: `skip(drawn)` brings another one with the same seed to the same place.
    """

    def __init__(self, frames: int, size: int, generator: np.random.Generator) -> None:
        self._frames, self._size, self._generator = frames, size, generator
        self._waiting: list[int] = []
        self.drawn = 0

    def __next__(self) -> list[int]:
        return self._take(self._size)

    def skip(self, frames: int) -> None:
        self._take(frames)

    def _take(self, count: int) -> list[int]:
        while len(self._waiting) < count:
            self._waiting += self._generator.permutation(self._frames).tolist()
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        self.drawn += count
        return taken
