"""From the `data` part of a query to its pictures, split. Gathers the formats; decodes nothing."""

from collections.abc import Sequence

from edge_runtime.protocol.errors import GemelError
from workers.merging.pictures import Picture, class_folder_pictures, coco_pictures, frame_pictures
from workers.merging.rendered import scene_pictures
from workers.merging.splits import Splits, split_in_blocks
from workers.merging.workload import (
    CocoData,
    CocoSplit,
    FolderData,
    ImageFolderData,
    QueryPart,
    SceneData,
    SceneSplit,
    WorkloadError,
    WorkloadFile,
)


def query_pictures(file: WorkloadFile, part: QueryPart) -> Splits[tuple[Picture, ...]]:
    """Raises WorkloadError that names the query."""
    try:
        if isinstance(part.data, ImageFolderData):
            return _class_folders(file, part.data, part.model.classes)
        train = _pictures(file, part.data, part.data.train)
        validation, test = (
            None if split is None else _pictures(file, part.data, split)
            for split in (part.data.validation, part.data.test)
        )
    except GemelError as error:
        raise WorkloadError(f'Query "{part.name}": {error}') from error
    return split_in_blocks(train, validation, test)


def _pictures(file: WorkloadFile, data: FolderData | CocoData | SceneData, split: object) -> list[Picture]:
    if isinstance(data, SceneData) and isinstance(split, SceneSplit):
        return scene_pictures(data.address, split)
    if isinstance(split, CocoSplit):
        return coco_pictures(file.path(split.images), file.path(split.annotations))
    return frame_pictures(file.path(str(split)))


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
