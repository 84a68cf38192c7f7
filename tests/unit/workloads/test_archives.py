"""Zips that attack are refused with a sentence before anything is written outside; harmless ones are unpacked."""

import io
import json
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest

from webapp.workloads import archives
from webapp.workloads.archives import ArchiveError, opened_archive
from webapp.workloads.labelled import unpack_coco, unpack_image_folders

PICTURE = b"\xff\xd8\xff\xe0 a picture"


def zipped(files: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> io.BytesIO:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    content.seek(0)
    return content


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def coco(**changes: Any) -> bytes:
    values = {
        "images": [
            {"id": 7, "file_name": "b.jpg", "width": 10, "height": 10},
            {"id": 9, "file_name": "a.jpg", "width": 10, "height": 10},
        ],
        "categories": [{"id": 1, "name": "car"}],
        "annotations": [{"id": 1, "image_id": 7, "category_id": 1, "bbox": [1, 1, 4, 4], "iscrowd": 0}],
    } | changes
    return json.dumps(values).encode()


@pytest.mark.parametrize("name", ["../car/1.jpg", "/car/1.jpg", "car/../../1.jpg", "..\\1.jpg", "C:/1.jpg"])
def test_a_name_that_leads_out_is_refused_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    target = tmp_path / "target"
    with pytest.raises(ArchiveError, match="leads out"), opened_archive(zipped({name: PICTURE})) as archive:
        unpack_image_folders(archive, target)
    assert names(tmp_path) == set()


def test_a_link_is_refused() -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        link = zipfile.ZipInfo("car/1.jpg")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(ArchiveError, match="is a link"), opened_archive(content):
        pass


def test_a_bomb_is_refused_by_its_ratio_before_it_is_unpacked() -> None:
    bomb = zipped({"car/1.jpg": b"\0" * 30_000_000}, zipfile.ZIP_DEFLATED)
    with pytest.raises(ArchiveError, match="looks like an attack"), opened_archive(bomb):
        pass


@pytest.mark.parametrize(("limit", "value"), [("FILES_MAX", 1), ("TOTAL_MAX_BYTES", 20), ("FILE_MAX_BYTES", 10)])
def test_too_much_is_refused(monkeypatch: pytest.MonkeyPatch, limit: str, value: int) -> None:
    monkeypatch.setattr(archives, limit, value)
    with pytest.raises(ArchiveError), opened_archive(zipped({"car/1.jpg": PICTURE, "car/2.jpg": PICTURE})):
        pass


def test_what_comes_out_is_counted_not_what_the_archive_claims(tmp_path: Path) -> None:
    content = zipped({"car/1.jpg": PICTURE + b"\0" * 5000}, zipfile.ZIP_DEFLATED)
    with opened_archive(content) as archive:
        archive.members[0].entry.file_size = 100
        with pytest.raises(ArchiveError):
            unpack_image_folders(archive, tmp_path)


@pytest.mark.parametrize("content", [b"", b"no zip", PICTURE])
def test_what_is_no_zip_is_refused(content: bytes) -> None:
    with pytest.raises(ArchiveError, match="no zip archive"), opened_archive(io.BytesIO(content)):
        pass


def test_a_truncated_archive_is_refused(tmp_path: Path) -> None:
    content = zipped({"car/1.jpg": PICTURE * 100}).getvalue()
    broken = content.replace(PICTURE, b"\xff\xd8\xff\xe0 another", 1)
    with pytest.raises(ArchiveError), opened_archive(io.BytesIO(broken)) as archive:
        unpack_image_folders(archive, tmp_path)


def test_image_folders_are_unpacked_without_the_folder_around_them(tmp_path: Path) -> None:
    files = {"street/car/1.jpg": PICTURE, "street/bus/1.png": b"\x89PNG\r\n\x1a\n", "__MACOSX/car/._1.jpg": b"x"}
    with opened_archive(zipped(files)) as archive:
        found = unpack_image_folders(archive, tmp_path)
    assert (found.frame_count, found.labelled_count) == (2, 2)
    assert names(tmp_path) == {"car/1.jpg", "bus/1.png"}


def test_splits_of_image_folders_are_kept_under_our_names(tmp_path: Path) -> None:
    files = {"train/car/1.jpg": PICTURE, "val/car/2.jpg": PICTURE}
    with opened_archive(zipped(files)) as archive:
        unpack_image_folders(archive, tmp_path)
    assert names(tmp_path) == {"train/car/1.jpg", "validation/car/2.jpg"}


@pytest.mark.parametrize("files", [{}, {"readme.txt": b"x"}, {"1.jpg": PICTURE}, {"a/b/c/1.jpg": PICTURE}])
def test_pictures_outside_class_folders_are_refused(tmp_path: Path, files: dict[str, bytes]) -> None:
    with pytest.raises(ArchiveError, match="class folder"), opened_archive(zipped(files | {"x.txt": b""})) as archive:
        unpack_image_folders(archive, tmp_path)


def test_a_file_that_only_says_it_is_a_picture_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(ArchiveError, match=r"no JPEG or PNG"),
        opened_archive(zipped({"car/1.jpg": b"<script>"})) as archive,
    ):
        unpack_image_folders(archive, tmp_path)


def test_coco_keeps_what_the_annotations_name_in_order_of_file_names(tmp_path: Path) -> None:
    files = {"images/a.jpg": PICTURE, "images/b.jpg": PICTURE, "images/c.jpg": PICTURE, "labels.json": coco()}
    with opened_archive(zipped(files)) as archive:
        found = unpack_coco(archive, tmp_path)
    assert (found.frame_count, found.labelled_count) == (2, 1)
    assert names(tmp_path) == {"annotations.json", "images/000000000000.jpg", "images/000000000001.jpg"}
    kept = json.loads((tmp_path / "annotations.json").read_text())
    assert kept["annotations"][0]["image_id"] == 1  # b.jpg, the second by name


def test_coco_with_one_file_per_split_is_kept_apart(tmp_path: Path) -> None:
    files = {"a.jpg": PICTURE, "b.jpg": PICTURE, "instances_train.json": coco(), "instances_val2017.json": coco()}
    with pytest.raises(ArchiveError, match="several"), opened_archive(zipped(files)) as archive:
        unpack_coco(archive, tmp_path)
    files["instances_val.json"] = files.pop("instances_val2017.json")
    with opened_archive(zipped(files)) as archive:
        unpack_coco(archive, tmp_path)
    assert {"train/annotations.json", "validation/annotations.json"} <= names(tmp_path)


@pytest.mark.parametrize(
    ("annotations", "sentence"),
    [
        (b"{}", "no COCO"),
        (b"nonsense", "no COCO"),
        (coco(images=[]), "no pictures"),
        (coco(categories=[]), "does not name"),
        (b'{"images": [], "more": ' + b"[" * 10_000, "is no COCO annotations file"),
        (coco(annotations=[{"image_id": 3, "category_id": 1, "bbox": [0, 0, 1, 1]}]), "does not name"),
        (coco(annotations=[{"image_id": 7, "category_id": 1, "bbox": [0, 0, 0, 1]}]), "without width"),
        (coco(images=[{"id": 7, "file_name": "../../x.jpg", "width": 1, "height": 1}]), "does not hold"),
        (coco(images=[{"id": 7, "file_name": "a.jpg", "width": 1, "height": 1}] * 2), "same id"),
    ],
)
def test_coco_that_contradicts_itself_is_refused(tmp_path: Path, annotations: bytes, sentence: str) -> None:
    files = {"a.jpg": PICTURE, "b.jpg": PICTURE, "labels.json": annotations}
    with pytest.raises(ArchiveError, match=sentence), opened_archive(zipped(files)) as archive:
        unpack_coco(archive, tmp_path)


def test_unpacking_stops_when_the_worker_loses_its_job(tmp_path: Path) -> None:
    def lost() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError), opened_archive(zipped({"car/1.jpg": PICTURE}), lost) as archive:
        unpack_image_folders(archive, tmp_path)
