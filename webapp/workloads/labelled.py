"""What labelled archives hold: image folders and COCO, checked for consistency and unpacked. Pure files."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import msgspec

from edge_runtime.protocol.errors import UNREADABLE
from webapp.workloads.archives import Archive, ArchiveError, Member

SPLITS = {"train": "train", "val": "validation", "valid": "validation", "validation": "validation", "test": "test"}
CLASSES_MAX = 1000


@dataclass(frozen=True)
class Unpacked:
    """How many pictures there are, and on how many of them something is labelled."""

    frame_count: int
    labelled_count: int


class CocoImage(msgspec.Struct):
    id: int
    file_name: str
    width: int
    height: int


class CocoCategory(msgspec.Struct):
    id: int
    name: str


class CocoAnnotation(msgspec.Struct):
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    iscrowd: int = 0


class Coco(msgspec.Struct):
    images: list[CocoImage]
    categories: list[CocoCategory]
    annotations: list[CocoAnnotation] = []


def unpack_image_folders(archive: Archive, target: Path) -> Unpacked:
    """`target`[/split]/class/picture. Raises ArchiveError."""
    pictures = [member for member in archive.members if member.is_picture]
    placed = [(_class_place(member), member) for member in pictures]
    if not placed:
        raise ArchiveError("The archive holds no pictures in class folders, such as car/0001.jpg.")
    if len({place.parent.name for place, _ in placed}) > CLASSES_MAX:
        raise ArchiveError(f"The archive holds more than {CLASSES_MAX} class folders.")
    for place, member in placed:
        archive.extract_picture(member, target / place)
    return Unpacked(len(placed), len(placed))


def unpack_coco(archive: Archive, target: Path) -> Unpacked:
    """`target`[/split]/images and annotations.json, only what the annotations name. Raises ArchiveError."""
    files = [member for member in archive.members if member.path.suffix.lower() == ".json"]
    by_split = {_split_of(member): member for member in files}
    if not files:
        raise ArchiveError("The archive holds no COCO annotations: a .json file beside the pictures.")
    if len(by_split) < len(files) or (len(files) > 1 and "" in by_split):
        raise ArchiveError("The archive holds several .json files; keep one, or one each for train, val and test.")
    counts = [
        _unpack_coco_split(archive, member, target / split if split else target) for split, member in by_split.items()
    ]
    return Unpacked(sum(count.frame_count for count in counts), sum(count.labelled_count for count in counts))


def _class_place(member: Member) -> PurePosixPath:
    parts = member.path.parts
    split = SPLITS.get(parts[0].lower()) if len(parts) == 3 else None
    if len(parts) == 2:
        return member.path
    if split is None:
        raise ArchiveError(f"{member.path} does not lie in a class folder, such as car/0001.jpg or train/car/0001.jpg.")
    return PurePosixPath(split, *parts[1:])


def _split_of(member: Member) -> str:
    """The split that the annotations file's name or folder speaks of, "" for none."""
    words = [*member.path.parts[:-1], *member.path.stem.replace("_", " ").replace("-", " ").split()]
    return next((SPLITS[word.lower()] for word in words if word.lower() in SPLITS), "")


def _unpack_coco_split(archive: Archive, annotations: Member, target: Path) -> Unpacked:
    coco = _read_coco(archive, annotations)
    pictures = _Pictures(archive.members, near=annotations.path.parent)
    for image in coco.images:
        member = pictures.find(image.file_name)
        name = f"{image.id:012d}{member.path.suffix.lower()}"
        archive.extract_picture(member, target / "images" / name)
        image.file_name = name
    (target / "annotations.json").write_bytes(msgspec.json.encode(coco))
    return Unpacked(len(coco.images), len({annotation.image_id for annotation in coco.annotations}))


def _read_coco(archive: Archive, member: Member) -> Coco:
    try:
        coco = msgspec.json.decode(archive.read(member), type=Coco)
    except UNREADABLE as error:
        raise ArchiveError(f"{member.path} is no COCO annotations file: {error}.") from error
    images, categories = [image.id for image in coco.images], {category.id for category in coco.categories}
    if not images:
        raise ArchiveError(f"{member.path} names no pictures.")
    if min(images) < 0 or Counter(images).most_common(1)[0][1] > 1:
        raise ArchiveError(f"{member.path} gives two pictures the same id, or a negative one.")
    known = set(images)
    for annotation in coco.annotations:
        if annotation.image_id not in known or annotation.category_id not in categories:
            raise ArchiveError(f"{member.path} labels a picture or uses a category that it does not name.")
        if annotation.bbox[2] <= 0 or annotation.bbox[3] <= 0:
            raise ArchiveError(f"{member.path} holds an object without width or height.")
    # In order of the original names, which the new names (by id) would lose: recordings are numbered in time.
    coco.images.sort(key=lambda image: image.file_name)
    renumbered = {image.id: number for number, image in enumerate(coco.images)}
    for image in coco.images:
        image.id = renumbered[image.id]
    for annotation in coco.annotations:
        annotation.image_id = renumbered[annotation.image_id]
    return coco


class _Pictures:
    """Finds the pictures that annotations name: tools write file names with more or with fewer folders."""

    def __init__(self, members: Iterable[Member], near: PurePosixPath) -> None:
        pictures = [member for member in members if member.is_picture]
        self._by_path = {member.path: member for member in pictures}
        self._by_name: dict[str, list[Member]] = {}
        for member in pictures:
            self._by_name.setdefault(member.path.name, []).append(member)
        self._near = near

    def find(self, file_name: str) -> Member:
        for place in (self._near / file_name, PurePosixPath(file_name), PurePosixPath("images") / file_name):
            if place in self._by_path:
                return self._by_path[place]
        named = self._by_name.get(PurePosixPath(file_name).name, [])
        if len(named) != 1:
            raise ArchiveError(f'The annotations name a picture "{file_name[:100]}" that the archive does not hold.')
        return named[0]
