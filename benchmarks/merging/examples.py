"""What a benchmark query learns from: labelled pictures of one stretch of one camera, written as a frames folder."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np

from edge_runtime.protocol.messages import FrameIndex, FrameLabel, FrameObject
from edge_runtime.vision.architectures import task_of

SPLITS = ("train", "validation", "test")


def slug(name: str) -> str:
    return "-".join("".join(letter if letter.isalnum() else " " for letter in name.lower()).split())


@dataclass(frozen=True)
class Example:
    """`image`: (h, w, 3) uint8 RGB."""

    image: np.ndarray
    objects: tuple[FrameObject, ...] | None = None
    tags: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Part:
    """One split. `examples` makes its pictures, of which `at_most` are used, evenly thinned.

    `folder`: where they go, shared by the queries that look at the same pictures. `source` says for a reader which
    recording, which seconds and whose labels these are.
    """

    folder: str
    source: str
    examples: Callable[[], Iterator[Example]]
    at_most: int


@dataclass(frozen=True)
class BenchmarkQuery:
    """`camera` names the camera, whatever the day. `fit` is that of WORKLOAD.yaml, `init` a path or none."""

    name: str
    camera: str
    question: str
    architecture: str
    classes: tuple[str, ...]
    input_size: tuple[int, int]
    parts: tuple[Part, Part, Part]
    fit: dict[str, Any]
    init: Path | None = None
    accuracy_target: float = 0.95

    def entry(self) -> dict[str, Any]:
        """Its entry in WORKLOAD.yaml, whose folder holds pictures/ and originals/."""
        model = {
            "architecture": self.architecture,
            "weights": f"originals/{slug(self.name)}.safetensors",
            "classes": list(self.classes),
            "input_size": list(self.input_size),
        }
        folders = {split: f"pictures/{part.folder}" for split, part in zip(SPLITS, self.parts, strict=True)}
        return {
            "name": self.name,
            "task": task_of(self.architecture).value,
            "model": {**model, "init": str(self.init)} if self.init is not None else model,
            "data": {"format": "frames", **folders},
            "accuracy_target": self.accuracy_target,
            "fit": self.fit,
        }


class SplitDescription(msgspec.Struct, frozen=True):
    """What a split was made of, for the results. `labels`: how often each class occurs."""

    source: str
    frames: int
    labels: dict[str, int]


def write_part(part: Part, classes: tuple[str, ...], pictures: Path) -> SplitDescription:
    """Writes the part's folder with frames.json, which comes last: a folder that has it is whole and is kept."""
    folder = pictures / part.folder
    index = folder / "frames.json"
    if not index.exists():
        folder.mkdir(parents=True, exist_ok=True)
        examples = thinned(list(part.examples()), part.at_most)
        labels = [_write(example, order, folder) for order, example in enumerate(examples)]
        index.write_bytes(msgspec.json.encode(FrameIndex(tuple(labels))))
    frames = msgspec.json.decode(index.read_bytes(), type=FrameIndex).frames
    named = [name for frame in frames for name in (*(frame.tags or ()), *(item.name for item in frame.objects or ()))]
    return SplitDescription(part.source, len(frames), {name: named.count(name) for name in classes})


def thinned(examples: list[Example], at_most: int) -> list[Example]:
    """Evenly over the stretch, first and last included."""
    wanted = np.unique(np.linspace(0, len(examples) - 1, min(at_most, len(examples))).round().astype(int))
    return [examples[number] for number in wanted]


def _write(example: Example, order: int, folder: Path) -> FrameLabel:
    """PNG: crops are small, and what is found in them should not depend on a second lossy step."""
    name = f"{order:05}.png"
    cv2.imwrite(str(folder / name), np.ascontiguousarray(example.image[..., ::-1]))
    return FrameLabel(name, float(order), example.objects, example.tags)
