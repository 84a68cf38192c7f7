"""COCO annotations of a folder of pictures or of a video, and what they say to a classifier.

Crowd regions are left out: they are no single objects. Categories that no class of a model names are left to vision,
which ignores them; an annotation whose category the file does not name is an error.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec
import numpy as np

from edge_runtime.protocol.messages import FrameLabel, FrameObject
from workers.merging.pictures import DataError, Picture, decode_file, inside, read_picture
from workers.merging.video_frames import VideoFrames

CROP_MARGIN = 0.1  # of an object's width and height on each side: what it stands on helps to tell what it is


class _Image(msgspec.Struct):
    id: int
    file_name: str
    width: int
    height: int
    frame_index: int | None = None


class _Category(msgspec.Struct):
    id: int
    name: str


class _Annotation(msgspec.Struct):
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    iscrowd: int = 0


class _Coco(msgspec.Struct):
    images: list[_Image]
    categories: list[_Category]
    annotations: list[_Annotation] = []


def coco_pictures(images: Path, annotations: Path, *, minimum_side_px: int = 0) -> list[Picture]:
    """In order of time: by file name where `images` is a folder, by `frame_index` where it is a video.

    Objects whose shorter side is below `minimum_side_px`, in pixels of the annotated size, are left out.
    """
    coco = decode_file(annotations, _Coco)
    objects = _objects_by_image(coco, annotations, minimum_side_px)
    read, order = _reader(images, annotations)
    return [
        Picture(FrameLabel(image.file_name, float(at), tuple(objects.get(image.id, ()))), read(image))
        for at, image in enumerate(sorted(coco.images, key=order))
    ]


def _objects_by_image(coco: _Coco, source: Path, minimum_side_px: int) -> dict[int, list[FrameObject]]:
    names = {category.id: category.name for category in coco.categories}
    images = {image.id: image for image in coco.images}
    found: dict[int, list[FrameObject]] = {}
    for annotation in coco.annotations:
        if annotation.category_id not in names:
            raise DataError(f"{source} uses category {annotation.category_id} without naming it.")
        if annotation.image_id not in images:
            raise DataError(f"{source} annotates image {annotation.image_id}, which it does not list.")
        if not annotation.iscrowd and min(annotation.bbox[2:]) >= minimum_side_px:
            drawn = _object(annotation, images[annotation.image_id], names)
            found.setdefault(annotation.image_id, []).append(drawn)
    return found


def _object(annotation: _Annotation, image: _Image, names: dict[int, str]) -> FrameObject:
    """COCO's (x, y, width, height) in pixels as xyxy fractions."""
    x, y, width, height = annotation.bbox
    across, down = max(image.width, 1), max(image.height, 1)
    corners = (x / across, y / down, (x + width) / across, (y + height) / down)
    return FrameObject(names[annotation.category_id], corners)


_Reader = Callable[[_Image], Callable[[], np.ndarray]]


def _reader(images: Path, annotations: Path) -> tuple[_Reader, Callable[[_Image], str | int]]:
    """How a picture is read, and what orders pictures in time."""
    if not images.exists():
        raise DataError(f"The pictures {images} of {annotations} are missing.")
    if images.is_dir():
        return lambda image: partial(read_picture, inside(images, image.file_name)), lambda image: image.file_name
    video = VideoFrames(images)
    video.read(0)

    def number(image: _Image) -> int:
        if image.frame_index is None:
            raise DataError(f"Image {image.id} in {annotations} has no frame_index to find it by in {images}.")
        return image.frame_index

    return lambda image: partial(video.read, number(image)), number


def require_classes(pictures: Sequence[Picture], classes: Sequence[str], annotations: Path) -> None:
    """Raises DataError where no object is of any of `classes`: a misspelt class would otherwise go unnoticed."""
    found = sorted({item.name for picture in pictures for item in picture.label.objects or ()})
    if not set(found) & set(classes):
        what = f"none of the classes {', '.join(classes)}, but {', '.join(found)}" if found else "no objects"
        raise DataError(f"{annotations} annotates {what}.")


def as_crops(picture: Picture, classes: Sequence[str]) -> tuple[Picture, ...]:
    """One picture per object of `classes`, tagged with it."""
    objects = enumerate(item for item in picture.label.objects or () if item.name in classes)
    return tuple(
        Picture(
            FrameLabel(f"{picture.label.file}, object {number}", picture.label.at, tags=(item.name,)),
            partial(_cropped, picture.read, item.box),
        )
        for number, item in objects
    )


def _cropped(read: Callable[[], np.ndarray], box: tuple[float, float, float, float]) -> np.ndarray:
    """The part of the picture at `box`, xyxy fractions, with a margin; at least one pixel."""
    image = read()
    height, width = image.shape[:2]
    left, top, right, bottom = box
    beside, above = CROP_MARGIN * (right - left), CROP_MARGIN * (bottom - top)
    first_column = min(width - 1, max(0, round((left - beside) * width)))
    first_row = min(height - 1, max(0, round((top - above) * height)))
    last_column = max(first_column + 1, round((right + beside) * width))
    last_row = max(first_row + 1, round((bottom + above) * height))
    return image[first_row:last_row, first_column:last_column]


def tagged_by_objects(picture: Picture, classes: Sequence[str], absent: str | None) -> Picture:
    """Tags a frame with the `classes` it shows, or with `absent` where it shows none of them."""
    shown = tuple(sorted({item.name for item in picture.label.objects or ()} & set(classes)))
    tags = shown or ((absent,) if absent is not None else ())
    return replace(picture, label=msgspec.structs.replace(picture.label, tags=tags))
