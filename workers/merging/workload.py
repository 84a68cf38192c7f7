"""WORKLOAD.yaml: which queries to merge, their models, data and accuracy targets. Reads no pictures and no weights.

Paths are relative to the file. `missing_data` says whether the data suffices for a merge run.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec

from edge_runtime.protocol.errors import GemelError
from edge_runtime.vision.spec import ModelSpec, Task
from workers.merging.yaml_lines import YamlError, decode_yaml

Positive = Annotated[int, msgspec.Meta(ge=1)]
Fraction = Annotated[float, msgspec.Meta(gt=0, le=1)]
Name = Annotated[str, msgspec.Meta(min_length=1)]
Side = Annotated[int, msgspec.Meta(ge=8, le=4096)]


class WorkloadError(GemelError):
    """The workload does not fit together; the message names the query."""

    code = "workload"


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mapping of the file in which a misspelt key is an error, not a silent default."""


class FolderData(_Part, frozen=True, tag_field="format", tag="frames"):
    """Folders with frames.json (protocol.messages.FrameIndex) and JPEG pictures, in order of time."""

    train: Name
    validation: Name | None = None
    test: Name | None = None


class ImageFolderData(_Part, frozen=True, tag_field="format", tag="imagefolder"):
    """Folders with one subfolder of pictures per class."""

    train: Name
    validation: Name | None = None
    test: Name | None = None


class CocoSplit(_Part, frozen=True):
    images: Name
    annotations: Name


class CocoData(_Part, frozen=True, tag_field="format", tag="coco"):
    train: CocoSplit
    validation: CocoSplit | None = None
    test: CocoSplit | None = None


class SceneSplit(_Part, frozen=True):
    """`count` frames, `spacing_s` seconds apart, spread evenly over streets rendered from `seeds`."""

    count: Positive
    seeds: Annotated[tuple[int, ...], msgspec.Meta(min_length=1)]
    spacing_s: Annotated[float, msgspec.Meta(gt=0)] = 1.0


class SceneData(_Part, frozen=True, tag_field="format", tag="scene"):
    address: Name
    train: SceneSplit
    validation: SceneSplit | None = None
    test: SceneSplit | None = None


Data = FolderData | ImageFolderData | CocoData | SceneData


class ModelPart(_Part, frozen=True):
    architecture: Name
    weights: Name
    classes: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1)]
    input_size: tuple[Side, Side]

    @property
    def spec(self) -> ModelSpec:
        return ModelSpec(self.architecture, self.classes, self.input_size)


class QueryPart(_Part, frozen=True):
    """One query. `accuracy_target` is on relative accuracy where labels exist, else on agreement."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x1f]{1,200}$")]
    task: Task
    model: ModelPart
    data: Data
    accuracy_target: Fraction = 0.95


class Workload(_Part, frozen=True):
    queries: Annotated[tuple[QueryPart, ...], msgspec.Meta(min_length=1)]


@dataclass(frozen=True)
class WorkloadFile:
    """A parsed workload and the folder its paths start from."""

    workload: Workload
    folder: Path

    def path(self, relative: str) -> Path:
        return self.folder / relative


def load_workload(path: Path) -> WorkloadFile:
    """Raises YamlError or WorkloadError with one sentence for a person."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise YamlError(f"The workload file {path} cannot be read: {error}.") from error
    return WorkloadFile(parse_workload(text, path.name), path.resolve().parent)


def parse_workload(text: str, source: str = "WORKLOAD.yaml") -> Workload:
    workload = decode_yaml(text, Workload, source)
    names = [query.name for query in workload.queries]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise WorkloadError(f'Two queries are called "{repeated[0]}"; every query needs a name of its own.')
    for query in workload.queries:
        if len(set(query.model.classes)) < len(query.model.classes):
            raise WorkloadError(f'Query "{query.name}" lists a class twice.')
    return workload


@dataclass(frozen=True)
class FrameCounts:
    """How many frames each split of a query holds."""

    train: int
    validation: int
    test: int


MINIMUM = FrameCounts(train=32, validation=16, test=16)


def missing_data(counts: Mapping[str, FrameCounts], minimum: FrameCounts = MINIMUM) -> tuple[str, ...]:
    """One sentence per query that has too few frames to merge, saying what is missing; empty when all have enough."""
    sentences = []
    for query, have in counts.items():
        lacks = [
            f"{wanted} {split} frames but has {got}"
            for split in ("train", "validation", "test")
            if (got := getattr(have, split)) < (wanted := getattr(minimum, split))
        ]
        if lacks:
            sentences.append(f'Query "{query}" needs at least {", ".join(lacks)}.')
    return tuple(sentences)
