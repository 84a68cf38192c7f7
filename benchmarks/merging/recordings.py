"""Labelled recordings of the folder that GEMEL_DATA_DIR names, and the ways to ask questions of them."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import msgspec
import numpy as np

from benchmarks.merging.examples import Example
from edge_runtime.protocol.messages import FrameObject


class _Image(msgspec.Struct):
    id: int
    frame_index: int
    time_s: float


class _Category(msgspec.Struct):
    id: int
    name: str


class _Annotation(msgspec.Struct):
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]


class _Labels(msgspec.Struct):
    images: list[_Image]
    categories: list[_Category]
    annotations: list[_Annotation]


@dataclass(frozen=True)
class Box:
    """Pixels of the recording: left, top, width, height."""

    name: str
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Clip:
    """The labelled frames of `recording` from `start_s` until before `end_s`, every `step`-th of them."""

    folder: Path
    recording: str
    start_s: float = 0.0
    end_s: float = float("inf")
    step: int = 1
    labels: str = ""  # a label file other than the recording's own

    @property
    def said(self) -> str:
        until = "its end" if self.end_s == float("inf") else f"{self.end_s:g} s"
        thinned = f", one labelled frame of {self.step}" if self.step > 1 else ""
        return f"{self.recording} from {self.start_s:g} s to {until}{thinned}"

    def frames(self) -> Iterator[tuple[np.ndarray, tuple[Box, ...]]]:
        """((H, W, 3) uint8 RGB, boxes) in order of time."""
        file = self.folder / "labels" / f"{self.labels or self.recording}.json"
        labels = msgspec.json.decode(file.read_bytes(), type=_Labels)
        names = {category.id: category.name for category in labels.categories}
        boxes = defaultdict(list)
        for annotation in labels.annotations:
            boxes[annotation.image_id].append(Box(names[annotation.category_id], *annotation.bbox))
        inside = [image for image in labels.images if self.start_s <= image.time_s < self.end_s][:: self.step]
        wanted = {image.frame_index: image for image in inside}
        for index, picture in _pictures(self.folder / "videos" / f"{self.recording}.mp4", wanted.keys()):
            yield picture, tuple(boxes[wanted[index].id])


def _pictures(video: Path, wanted: Collection[int]) -> Iterator[tuple[int, np.ndarray]]:
    """(number, picture) of the decoded frames whose numbers are `wanted`."""
    capture = cv2.VideoCapture(str(video))
    for index in range(max(wanted, default=-1) + 1):
        if not capture.grab():
            break
        if index in wanted:
            yield index, capture.retrieve()[1][..., ::-1]  # OpenCV's BGR to RGB
    capture.release()


def objects_in_region(clip: Clip, region: tuple[int, int, int, int]) -> Iterator[Example]:
    """Detection: the crop `region` (left, top, width, height); what lies outside of it counts as hidden."""
    left, top, width, height = region
    for picture, boxes in clip.frames():
        found = (_in_region(box, region) for box in boxes)
        objects = tuple(item for item in found if item.occluded < 1)
        yield Example(picture[top : top + height, left : left + width], objects=objects)


def _in_region(box: Box, region: tuple[int, int, int, int]) -> FrameObject:
    left, top, width, height = region
    edges = (box.left - left, box.top - top, box.left - left + box.width, box.top - top + box.height)
    x1, x2 = (min(max(edge / width, 0.0), 1.0) for edge in (edges[0], edges[2]))
    y1, y2 = (min(max(edge / height, 0.0), 1.0) for edge in (edges[1], edges[3]))
    visible = (x2 - x1) * width * (y2 - y1) * height / (box.width * box.height)
    return FrameObject(box.name, (x1, y1, x2, y2), occluded=min(1.0, 1 - visible))


def presence(clip: Clip, words: tuple[str, str]) -> Iterator[Example]:
    """Classification of whole frames: `words` for nothing there and for something there."""
    for picture, boxes in clip.frames():
        yield Example(picture, tags=(words[bool(boxes)],))


def lane_occupancy(
    clip: Clip, places: Sequence[tuple[int, int]], size: tuple[int, int], words: tuple[str, str]
) -> Iterator[Example]:
    """Classification of crops of `size` (width, height) around fixed places of the road, as an induction loop would.

    Occupied where a vehicle covers the place, free where none comes near; what lies between the two is left out.
    """
    for picture, boxes in clip.frames():
        for x, y in places:
            is_occupied = any(_covers(box, x, y) for box in boxes)
            if is_occupied or not any(_is_near(box, x, y, size) for box in boxes):
                yield Example(_around(picture, x, y, size), tags=(words[is_occupied],))


def _covers(box: Box, x: int, y: int) -> bool:
    """Not by its outermost tenths: boxes are a little loose."""
    across, down = (x - box.left) / box.width, (y - box.top) / box.height
    return 0.1 <= across <= 0.9 and 0.1 <= down <= 0.9


def _is_near(box: Box, x: int, y: int, size: tuple[int, int]) -> bool:
    width, height = size[0] / 4, size[1] / 6
    across = box.left < x + width and box.left + box.width > x - width
    return across and box.top < y + height and box.top + box.height > y - height


def _around(picture: np.ndarray, x: int, y: int, size: tuple[int, int]) -> np.ndarray:
    left, top = x - size[0] // 2, y - size[1] // 2
    return picture[max(0, top) : top + size[1], max(0, left) : left + size[0]].copy()


def vehicle_types(clip: Clip, words: dict[str, str], least_side: float) -> Iterator[Example]:
    """Classification of vehicles by the crop of their box; `words`: label of the recording -> class."""
    for picture, boxes in clip.frames():
        for box in boxes:
            if box.name in words and min(box.width, box.height) >= least_side:
                yield Example(_crop(picture, box), tags=(words[box.name],))


def _crop(picture: np.ndarray, box: Box) -> np.ndarray:
    top, left = max(0, round(box.top)), max(0, round(box.left))
    return picture[top : round(box.top + box.height), left : round(box.left + box.width)].copy()
