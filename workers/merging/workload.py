"""WORKLOAD.yaml: which queries to merge, their models, data and accuracy targets. Reads no pictures and no weights.

Paths are relative to the file. `missing_data` says whether the data suffices for a merge run.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import msgspec
import yaml

from edge_runtime.protocol.architectures import ARCHITECTURES
from edge_runtime.protocol.errors import GemelError
from edge_runtime.vision.spec import ModelSpec, Task
from workers.merging.yaml_lines import YamlError, decode_yaml, line_of

Positive = Annotated[int, msgspec.Meta(ge=1)]
Fraction = Annotated[float, msgspec.Meta(gt=0, le=1)]
Name = Annotated[str, msgspec.Meta(min_length=1)]
Side = Annotated[int, msgspec.Meta(ge=8, le=4096)]
PRETRAINED = "DEFAULT"  # torchvision's word for its best weights of an architecture


class WorkloadError(GemelError):
    """The workload does not fit together; the message names the query."""

    code = "workload"


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mapping of the file in which a misspelt key is an error, not a silent default."""


class FolderData(_Part, frozen=True, tag_field="format", tag="frames"):
    """Folders with frames.json (protocol.messages.FrameIndex) and pictures, or unlabelled: plain folders, or videos.

    Of each, one frame in `every` is taken, in order of time.
    """

    train: Name
    validation: Name | None = None
    test: Name | None = None
    every: Positive = 1


class ImageFolderData(_Part, frozen=True, tag_field="format", tag="imagefolder"):
    """Folders with one subfolder of pictures per class."""

    train: Name
    validation: Name | None = None
    test: Name | None = None


class CocoSplit(_Part, frozen=True):
    """`images`: a folder, or a video whose decoded frames are counted from 0 by `frame_index` in the annotations."""

    images: Name
    annotations: Name


class CocoData(_Part, frozen=True, tag_field="format", tag="coco"):
    """One annotated frame in `every`; objects with a shorter side below `minimum_side_px` are left out.

    For classification: `crop` makes every object of a class one picture; otherwise a frame is of the one class that
    it shows an object of, or of the class `absent` where it shows none.
    """

    train: CocoSplit
    validation: CocoSplit | None = None
    test: CocoSplit | None = None
    every: Positive = 1
    minimum_side_px: Annotated[int, msgspec.Meta(ge=0)] = 0
    crop: bool = False
    absent: Name | None = None


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
    """`weights`: a safetensors file, which `fit` writes where it is missing, or PRETRAINED.

    `init`: what `fit` starts from: PRETRAINED, or a file of which it takes what fits; without it, random weights.
    `merged`: a safetensors file with the weights that a merge run starts this query from, as those of an earlier merge;
    without it, the original's. What is kept is judged against the original all the same.
    """

    architecture: Name
    weights: Name
    classes: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1)]
    input_size: tuple[Side, Side]
    init: Name | None = None
    merged: Name | None = None

    def __post_init__(self) -> None:
        """msgspec turns a ValueError into its own, with the place in the file."""
        if self.architecture not in ARCHITECTURES:
            alike = get_close_matches(self.architecture, ARCHITECTURES) or ARCHITECTURES
            raise ValueError(f'there is no architecture "{self.architecture}"; choose one such as {", ".join(alike)}')
        if len(set(self.classes)) < len(self.classes):
            raise ValueError(f'"classes" lists one twice: {", ".join(self.classes)}')

    @property
    def spec(self) -> ModelSpec:
        return ModelSpec(self.architecture, self.classes, self.input_size)


class FitPart(_Part, frozen=True):
    """How `fit` trains the original; what is left out is decided there. `mirror`: a mirrored frame is as likely."""

    steps: Positive | None = None
    epochs: Positive | None = None
    batch: Positive | None = None
    peak_rate: Annotated[float, msgspec.Meta(gt=0)] | None = None
    mirror: bool = True


class QueryPart(_Part, frozen=True):
    """One query. `accuracy_target` is on relative accuracy where labels exist, else on agreement."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x1f]{1,200}$")]
    task: Task
    model: ModelPart
    data: Data
    accuracy_target: Fraction = 0.95
    fit: FitPart = FitPart()

    def __post_init__(self) -> None:
        """As that of ModelPart."""
        if isinstance(self.data, CocoData) and (self.data.crop or self.data.absent is not None):
            if self.task is not Task.CLASSIFICATION:
                raise ValueError(f'"crop" and "absent" are for classification, but "{self.name}" is for {self.task}')
            if self.data.crop and self.data.absent is not None:
                raise ValueError(f'"{self.name}" has "crop" and "absent": a crop always shows an object')
            if self.data.absent is not None and self.data.absent not in self.model.classes:
                raise ValueError(f'"absent" of "{self.name}" is "{self.data.absent}", which is none of its classes')
        if self.fit.steps is not None and self.fit.epochs is not None:
            raise ValueError(f'"{self.name}" has "steps" and "epochs" in "fit"; one of them decides')
        made_for = ARCHITECTURES[self.model.architecture]
        if made_for != self.task.value:
            raise ValueError(f'"{self.name}" is for {self.task}, but {self.model.architecture} is made for {made_for}')


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
    """Raises YamlError with one sentence for a person."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise YamlError(f"The workload file {path} cannot be read: {why}.") from error
    return WorkloadFile(parse_workload(text, path.name), path.resolve().parent)


def parse_workload(text: str, source: str = "WORKLOAD.yaml") -> Workload:
    """Raises YamlError."""
    workload = decode_yaml(text, Workload, source)
    names = [query.name for query in workload.queries]
    for number, name in enumerate(names):
        if name in names[:number]:
            line = line_of(yaml.compose(text, Loader=yaml.SafeLoader), f"$.queries[{number}].name")
            raise YamlError(f'{source}, line {line}: two queries are called "{name}"; every one needs its own name.')
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
