"""The pictures of a query with what is known about them, from any data format; nothing is decoded before it is read.

Formats: frames (frames.json), imagefolder, coco. Rendered scenes are in rendered.py. All of them give the labels in
the protocol's words; what they mean for a model is vision's work.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TypeVar

import cv2
import msgspec
import numpy as np

from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.messages import FrameIndex, FrameLabel, FrameObject

T = TypeVar("T")

SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})


class DataError(GemelError):
    """The data of a query cannot be used; the message names the file."""

    code = "merge_data"


@dataclass(frozen=True)
class Picture:
    """`read` gives (H, W, 3) uint8 RGB and raises DataError."""

    label: FrameLabel
    read: Callable[[], np.ndarray]


def read_picture(path: Path) -> np.ndarray:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise DataError(f"The picture {path} is missing or broken; remove it from the data set and start again.")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))


def frame_pictures(folder: Path) -> list[Picture]:
    """A folder with frames.json, in order of time."""
    index = _decode(folder / "frames.json", FrameIndex)
    ordered = sorted(index.frames, key=lambda frame: frame.at)
    return [Picture(label, partial(read_picture, _inside(folder, label.file))) for label in ordered]


def class_folder_pictures(folder: Path, classes: Sequence[str]) -> dict[str, list[Picture]]:
    """Pictures by class, in order of file name. Raises DataError for a class folder that is missing or empty."""
    found = {}
    for name in classes:
        files = sorted(path for path in (folder / name).glob("*") if path.suffix.lower() in SUFFIXES)
        if not files:
            raise DataError(f'There are no pictures of "{name}" in {folder / name}.')
        found[name] = [
            Picture(FrameLabel(f"{name}/{path.name}", float(at), tags=(name,)), partial(read_picture, path))
            for at, path in enumerate(files)
        ]
    return found


class _CocoImage(msgspec.Struct):
    id: int
    file_name: str
    width: int
    height: int


class _CocoCategory(msgspec.Struct):
    id: int
    name: str


class _CocoAnnotation(msgspec.Struct):
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]


class _Coco(msgspec.Struct):
    images: list[_CocoImage]
    categories: list[_CocoCategory]
    annotations: list[_CocoAnnotation] = []


def coco_pictures(images: Path, annotations: Path) -> list[Picture]:
    """A COCO file and its folder of pictures, in order of file name."""
    coco = _decode(annotations, _Coco)
    names = {category.id: category.name for category in coco.categories}
    by_image: dict[int, list[_CocoAnnotation]] = {}
    for annotation in coco.annotations:
        if annotation.category_id not in names:
            raise DataError(f"{annotations} uses category {annotation.category_id} without naming it.")
        by_image.setdefault(annotation.image_id, []).append(annotation)
    return [
        Picture(
            FrameLabel(
                image.file_name,
                float(at),
                objects=tuple(_coco_object(found, image, names) for found in by_image.get(image.id, ())),
            ),
            partial(read_picture, _inside(images, image.file_name)),
        )
        for at, image in enumerate(sorted(coco.images, key=lambda image: image.file_name))
    ]


def _coco_object(annotation: _CocoAnnotation, image: _CocoImage, names: dict[int, str]) -> FrameObject:
    """COCO's (x, y, width, height) in pixels as xyxy fractions."""
    x, y, width, height = annotation.bbox
    across, down = max(image.width, 1), max(image.height, 1)
    corners = (x / across, y / down, (x + width) / across, (y + height) / down)
    return FrameObject(names[annotation.category_id], corners)


def _decode(path: Path, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    except msgspec.DecodeError as error:
        raise DataError(f"{path} cannot be understood: {error}.") from error


def _inside(folder: Path, name: str) -> Path:
    """Labels are uploads: a name must not lead out of its folder."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise DataError(f'The picture name "{name}" leads out of its folder {folder}.')
    return folder / path
