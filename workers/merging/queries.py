"""Everything a merge run holds of one query: its original network, its frames, and what to compare with."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from edge_runtime.protocol.errors import GemelError
from edge_runtime.vision.architectures import load_weights, task_of
from edge_runtime.vision.spec import ModelSpec
from edge_runtime.vision.tasks import Teaching, functions_for
from workers.merging.evaluation import Reference, reference, require_useful
from workers.merging.frames import FrameSet, load_frames
from workers.merging.pictures import Picture
from workers.merging.sources import query_pictures
from workers.merging.splits import Splits
from workers.merging.workload import FrameCounts, QueryPart, WorkloadError, WorkloadFile, missing_data

TEACHING_BATCH = 64
TEACHING_LIMIT_BYTES = 512 * 2**20  # of kept teaching per query; beyond it the original runs in every step


@dataclass(frozen=True)
class MergingQuery:
    """`original` is frozen and in eval mode. `teaching` is of all training frames, None where too large to keep."""

    part: QueryPart
    original: nn.Module
    train: FrameSet
    validation: Reference
    test: Reference
    teaching: Teaching | None

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


def load_original(file: WorkloadFile, part: QueryPart) -> nn.Module:
    """Raises WorkloadError, WeightsMismatch or UnknownArchitecture. Weights are data, never code: safetensors only."""
    path = file.path(part.model.weights)
    if task_of(part.model.architecture) is not part.task:
        raise WorkloadError(
            f'Query "{part.name}" is for {part.task}, but {part.model.architecture} is made for '
            f"{task_of(part.model.architecture)}."
        )
    try:
        state = load_file(path)
    except (OSError, SafetensorError) as error:
        raise WorkloadError(f'The weights of query "{part.name}" ({path}) cannot be read: {error}.') from error
    broken = next((name for name, tensor in state.items() if not torch.isfinite(tensor).all()), None)
    if broken is not None:
        raise WorkloadError(f'The weights of query "{part.name}" hold values that are no numbers, in {broken}.')
    try:
        network = load_weights(part.model.spec, state)
    except GemelError as error:
        raise WorkloadError(f'Query "{part.name}": {error}') from error
    return network.requires_grad_(False)


def load_queries(file: WorkloadFile, device: torch.device) -> Iterator[MergingQuery]:
    """Checks everything cheap for all queries first, then reads frames query by query.

    Raises the errors of load_original, and DataError or WorkloadError for data that is missing or useless.
    """
    parts = file.workload.queries
    originals = [load_original(file, part) for part in parts]
    pictures = {part.name: query_pictures(file, part) for part in parts}
    have = {
        name: FrameCounts(len(found.train), len(found.validation), len(found.test)) for name, found in pictures.items()
    }
    missing = missing_data(have)
    if missing:
        raise WorkloadError(" ".join(missing))
    for part, original in zip(parts, originals, strict=True):
        yield merging_query(part, original, _frames(part, pictures[part.name]), device)


def _frames(part: QueryPart, pictures: Splits[tuple[Picture, ...]]) -> Splits[FrameSet]:
    try:
        return Splits(
            train=load_frames(pictures.train, part.model.spec),
            validation=load_frames(pictures.validation, part.model.spec),
            test=load_frames(pictures.test, part.model.spec),
        )
    except GemelError as error:
        raise WorkloadError(f'Query "{part.name}": {error}') from error


def merging_query(part: QueryPart, original: nn.Module, frames: Splits[FrameSet], device: torch.device) -> MergingQuery:
    """The query with everything worked out that the original alone decides. Raises WorkloadError."""
    original = original.to(device)
    validation, test = (reference(original, split, device) for split in (frames.validation, frames.test))
    require_useful(part.name, part.task, validation)
    return MergingQuery(part, original, frames.train, validation, test, _teaching(original, frames.train, device))


def _teaching(original: nn.Module, frames: FrameSet, device: torch.device) -> Teaching | None:
    functions, parts, size = functions_for(frames.spec), [], 0
    for start in range(0, len(frames), TEACHING_BATCH):
        batch = frames.batch(range(start, min(start + TEACHING_BATCH, len(frames)))).to(device)
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
