"""The pictures of a query with what is known about them; nothing is decoded before it is read.

Here: folders of pictures, with frames.json, without, and with one folder per class. COCO files are in coco_data.py,
videos in video_frames.py, rendered scenes in rendered.py. All of them give the labels in the protocol's words; what
they mean for a model is vision's work.
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
from edge_runtime.protocol.messages import FrameIndex, FrameLabel

T = TypeVar("T")

SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
INDEX = "frames.json"


class DataError(GemelError):
    """The data of a query cannot be used; the message names the file."""

    code = "merge_data"


@dataclass(frozen=True)
class Picture:
    """`read` gives (H, W, 3) uint8 RGB and raises DataError."""

    label: FrameLabel
    read: Callable[[], np.ndarray]


def read_picture(path: Path) -> np.ndarray:
    try:
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    except cv2.error as error:  # larger than OpenCV may read
        raise DataError(f"The picture {path} is too large; remove it from the data set and start again.") from error
    if image is None:
        raise DataError(f"The picture {path} is missing or broken; remove it from the data set and start again.")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))


def frame_pictures(folder: Path) -> list[Picture]:
    """A folder with frames.json, in order of time; a folder of plain pictures has no labels and goes by file name."""
    files = picture_files(folder)
    if files and not (folder / INDEX).exists():
        return [Picture(FrameLabel(path.name, float(at)), partial(read_picture, path)) for at, path in enumerate(files)]
    index = decode_file(folder / INDEX, FrameIndex)
    ordered = sorted(index.frames, key=lambda frame: frame.at)
    return [Picture(label, partial(read_picture, inside(folder, label.file))) for label in ordered]


def picture_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES)


def class_folder_pictures(folder: Path, classes: Sequence[str]) -> dict[str, list[Picture]]:
    """Pictures by class, in order of file name. Raises DataError for a class folder that is missing or empty."""
    found = {}
    for name in classes:
        files = picture_files(folder / name)
        if not files:
            why = "there are no pictures in it" if (folder / name).is_dir() else "it is missing"
            raise DataError(f'The folder {folder / name} is to hold pictures of "{name}", but {why}.')
        found[name] = [
            Picture(FrameLabel(f"{name}/{path.name}", float(at), tags=(name,)), partial(read_picture, path))
            for at, path in enumerate(files)
        ]
    return found


def decode_file(path: Path, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    except msgspec.DecodeError as error:
        raise DataError(f"{path} cannot be understood: {error}.") from error


def inside(folder: Path, name: str) -> Path:
    """Labels are uploads: a name must not lead out of its folder."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise DataError(f'The picture name "{name}" leads out of its folder {folder}.')
    return folder / path
