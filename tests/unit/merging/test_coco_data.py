import os
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest

from edge_runtime.protocol.messages import FrameLabel, FrameObject
from edge_runtime.vision.spec import BoxTruth, LabelTruth, ModelSpec
from tests.unit.merging.videos import number_of, write_video
from workers.merging.coco_data import as_crops, coco_pictures, require_classes, tagged_by_objects
from workers.merging.frames import load_frames
from workers.merging.pictures import DataError, Picture

CARS = ModelSpec("centernet_resnet18_w24", ("car",), (32, 64))
IMAGE = {"id": 7, "file_name": "a.jpg", "width": 60, "height": 40}
CATEGORIES = [{"id": 3, "name": "car"}, {"id": 4, "name": "kite"}]


def write_coco(folder, *boxes, images=(IMAGE,)):
    path = folder / "coco.json"
    path.write_bytes(msgspec.json.encode({"images": images, "categories": CATEGORIES, "annotations": boxes}))
    return path


def box(image=7, category=3, corner_and_size=(6, 4, 30, 20), **more):
    return {"image_id": image, "category_id": category, "bbox": corner_and_size, **more}


@pytest.fixture
def folder(tmp_path):
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[4:24, 6:36] = 255
    cv2.imwrite(str(tmp_path / "a.jpg"), picture)
    return tmp_path


def test_turns_boxes_into_fractions_and_ignores_other_classes(folder):
    annotations = write_coco(folder, box(), box(category=4))
    truth = load_frames(coco_pictures(folder, annotations), CARS).truths[0]
    assert isinstance(truth, BoxTruth)
    np.testing.assert_allclose(truth.boxes, [[0.1, 0.1, 0.6, 0.6]], rtol=1e-6)


def test_leaves_out_crowds_and_what_is_too_small(folder):
    annotations = write_coco(folder, box(), box(iscrowd=1), box(corner_and_size=(0, 0, 30, 7)))
    (picture,) = coco_pictures(folder, annotations, minimum_side_px=8)
    assert len(picture.label.objects) == 1


def test_finds_frames_of_a_video_by_their_number(tmp_path):
    write_video(tmp_path / "clip.mkv", 6)
    images = [
        {"id": at, "file_name": f"clip/{at}", "width": 64, "height": 32, "frame_index": frame}
        for at, frame in enumerate((5, 0, 3))
    ]
    annotations = write_coco(tmp_path, box(image=2), images=images)
    pictures = coco_pictures(tmp_path / "clip.mkv", annotations)
    assert [number_of(picture.read()) for picture in pictures] == [0, 3, 5]
    assert [len(picture.label.objects) for picture in pictures] == [0, 1, 0]


def test_asks_for_frame_numbers_where_pictures_are_a_video(tmp_path):
    write_video(tmp_path / "clip.mkv", 2)
    with pytest.raises(DataError, match=r"Image 7 .* has no frame_index"):
        coco_pictures(tmp_path / "clip.mkv", write_coco(tmp_path, box()))


def test_names_a_category_that_the_file_does_not(folder):
    with pytest.raises(DataError, match="category 9"):
        coco_pictures(folder, write_coco(folder, box(category=9)))


def test_names_an_annotation_of_an_image_that_is_not_listed(folder):
    with pytest.raises(DataError, match="image 8"):
        coco_pictures(folder, write_coco(folder, box(image=8)))


def test_says_that_the_pictures_are_missing(folder):
    with pytest.raises(DataError, match=r"nowhere .* are missing"):
        coco_pictures(folder / "nowhere", write_coco(folder, box()))


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [([box(category=4)], "annotates none of the classes car, but kite"), ([], "annotates no objects")],
)
def test_refuses_annotations_of_none_of_the_classes(folder, boxes, expected):
    annotations = write_coco(folder, *boxes)
    with pytest.raises(DataError, match=expected):
        require_classes(coco_pictures(folder, annotations), ("car",), annotations)


def test_crops_every_object_of_a_class_with_a_margin(folder):
    (picture,) = coco_pictures(folder, write_coco(folder, box(), box(category=4)))
    (crop,) = as_crops(picture, ("car", "bus"))
    assert crop.label.tags == ("car",)
    image = crop.read()
    assert image.shape == (24, 36, 3)  # 20 x 30 and a tenth on each side
    assert image[2:-2, 3:-3].min() > 200
    assert image[0].max() < 60


def test_cuts_crops_off_at_the_border_and_never_makes_them_empty(folder):
    (picture,) = coco_pictures(folder, write_coco(folder, box(corner_and_size=(50, 30, 40, 40))))
    assert as_crops(picture, ("car",))[0].read().shape == (14, 14, 3)
    (picture,) = coco_pictures(folder, write_coco(folder, box(corner_and_size=(70, 50, 9, 9))))
    assert as_crops(picture, ("car",))[0].read().size == 3


@pytest.mark.parametrize(
    ("names", "tags"),
    [(("car",), ("car",)), (("kite",), ("nobody",)), ((), ("nobody",)), (("bus", "car"), ("bus", "car"))],
)
def test_tags_a_frame_by_what_it_shows(names, tags):
    objects = tuple(FrameObject(name, (0.0, 0.0, 1.0, 1.0)) for name in names)
    picture = Picture(FrameLabel("a", 0.0, objects), lambda: np.zeros((1, 1, 3), np.uint8))
    assert tagged_by_objects(picture, ("bus", "car", "nobody"), "nobody").label.tags == tags


@pytest.mark.skipif("GEMEL_DATA_DIR" not in os.environ, reason="needs the recordings in GEMEL_DATA_DIR")
def test_reads_real_recordings():
    data = Path(os.environ["GEMEL_DATA_DIR"])
    annotations = data / "labels" / "tfl_3601_a_human_allframes.json"
    pictures = coco_pictures(data / "videos" / "tfl_3601_a.mp4", annotations, minimum_side_px=24)
    classes = ("car", "truck", "bus")
    crops = [crop for picture in pictures[::40] for crop in as_crops(picture, classes)]
    spec = ModelSpec("resnet18_w24", classes, (32, 32))
    frames = load_frames(crops, spec)
    assert len(pictures) == 242
    assert {truth.label for truth in frames.truths if isinstance(truth, LabelTruth)} == {0, 1, 2}
    assert frames.pictures.std(axis=(1, 2, 3)).min() > 0
