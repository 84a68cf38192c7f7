"""From the `data` part of a query to its pictures, split, and from there to frames in memory. Gathers the formats."""

from collections.abc import Sequence
from itertools import chain

from edge_runtime.protocol.errors import GemelError
from edge_runtime.vision.spec import Task
from workers.merging.coco_data import as_crops, coco_pictures, require_classes, tagged_by_objects
from workers.merging.frames import FrameSet, load_frames
from workers.merging.pictures import Picture, class_folder_pictures, frame_pictures
from workers.merging.rendered import scene_pictures
from workers.merging.splits import Splits, split_in_blocks
from workers.merging.video_frames import video_pictures
from workers.merging.workload import (
    CocoData,
    CocoSplit,
    FolderData,
    FrameCounts,
    ImageFolderData,
    QueryPart,
    SceneData,
    SceneSplit,
    WorkloadError,
    WorkloadFile,
    missing_data,
)


def workload_pictures(file: WorkloadFile, parts: Sequence[QueryPart]) -> dict[str, Splits[tuple[Picture, ...]]]:
    """By query; decodes nothing. Raises WorkloadError where a query has too few."""
    pictures = {part.name: query_pictures(file, part) for part in parts}
    have = {
        name: FrameCounts(len(found.train), len(found.validation), len(found.test)) for name, found in pictures.items()
    }
    missing = missing_data(have)
    if missing:
        raise WorkloadError(" ".join(missing))
    return pictures


def load_splits(part: QueryPart, pictures: Splits[tuple[Picture, ...]]) -> Splits[FrameSet]:
    """Reads every picture. Raises WorkloadError that names the query."""
    try:
        return Splits(
            train=load_frames(pictures.train, part.model.spec),
            validation=load_frames(pictures.validation, part.model.spec),
            test=load_frames(pictures.test, part.model.spec),
        )
    except GemelError as error:
        raise WorkloadError(f'Query "{part.name}": {error}') from error


def query_pictures(file: WorkloadFile, part: QueryPart) -> Splits[tuple[Picture, ...]]:
    """Raises WorkloadError that names the query."""
    try:
        if isinstance(part.data, ImageFolderData):
            return _class_folders(file, part.data, part.model.classes)
        train = _moments(file, part, part.data.train)
        validation, test = (
            None if split is None else _moments(file, part, split) for split in (part.data.validation, part.data.test)
        )
    except GemelError as error:
        raise WorkloadError(f'Query "{part.name}": {error}') from error
    blocks = split_in_blocks(train, validation, test)
    return Splits(*(tuple(chain.from_iterable(block)) for block in (blocks.train, blocks.validation, blocks.test)))


def _moments(file: WorkloadFile, part: QueryPart, split: object) -> list[tuple[Picture, ...]]:
    """Pictures by the moment they were taken at: the crops of one frame belong into one split."""
    data = part.data
    if isinstance(data, SceneData) and isinstance(split, SceneSplit):
        return [(picture,) for picture in scene_pictures(data.address, split)]
    if isinstance(data, CocoData) and isinstance(split, CocoSplit):
        return _annotated_moments(file, part, data, split)
    path, every = file.path(str(split)), data.every if isinstance(data, FolderData) else 1
    found = frame_pictures(path) if path.is_dir() or not path.exists() else video_pictures(path)
    return [(picture,) for picture in found[::every]]


def _annotated_moments(
    file: WorkloadFile, part: QueryPart, data: CocoData, split: CocoSplit
) -> list[tuple[Picture, ...]]:
    images, annotations = file.path(split.images), file.path(split.annotations)
    found = coco_pictures(images, annotations, minimum_side_px=data.minimum_side_px)
    classes = part.model.classes
    require_classes(found, classes, annotations)
    if data.crop:
        return [as_crops(picture, classes) for picture in found[:: data.every]]
    if part.task is Task.CLASSIFICATION:
        return [(tagged_by_objects(picture, classes, data.absent),) for picture in found[:: data.every]]
    return [(picture,) for picture in found[:: data.every]]


def _class_folders(file: WorkloadFile, data: ImageFolderData, classes: Sequence[str]) -> Splits[tuple[Picture, ...]]:
    """Blocks are cut class by class: one block of a whole folder would hold a few classes only."""
    train = class_folder_pictures(file.path(data.train), classes)
    validation, test = (
        dict.fromkeys(classes) if split is None else class_folder_pictures(file.path(split), classes)
        for split in (data.validation, data.test)
    )
    blocks = [split_in_blocks(train[name], validation[name], test[name]) for name in classes]
    return Splits(
        tuple(picture for block in blocks for picture in block.train),
        tuple(picture for block in blocks for picture in block.validation),
        tuple(picture for block in blocks for picture in block.test),
    )
