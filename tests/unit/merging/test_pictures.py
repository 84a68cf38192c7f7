import cv2
import msgspec
import numpy as np
import pytest

from edge_runtime.protocol.messages import FrameIndex, FrameLabel, FrameObject
from edge_runtime.vision.preprocessing import preprocess
from edge_runtime.vision.spec import BoxTruth, LabelTruth, ModelSpec
from workers.merging.frames import load_frames, resized
from workers.merging.pictures import DataError, class_folder_pictures, coco_pictures, frame_pictures
from workers.merging.rendered import scene_pictures
from workers.merging.workload import SceneSplit

WEATHER = ModelSpec("resnet18_w24", ("clear", "rain"), (32, 48))
CARS = ModelSpec("centernet_resnet18_w24", ("car",), (32, 64))


def write_picture(path, level=100, size=(40, 60)):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((*size, 3), level, np.uint8))


def write_frames(folder, *labels):
    for label in labels:
        write_picture(folder / label.file)
    (folder / "frames.json").write_bytes(msgspec.json.encode(FrameIndex(labels)))


def test_reads_frames_in_order_of_time_with_their_labels(tmp_path):
    late = FrameLabel("a.jpg", 20.0, tags=("rain",))
    early = FrameLabel("b.jpg", 10.0, objects=(FrameObject("car", (0.1, 0.2, 0.5, 0.6)),))
    write_frames(tmp_path, late, early)
    pictures = frame_pictures(tmp_path)
    assert [picture.label for picture in pictures] == [early, late]
    assert load_frames(pictures, WEATHER).truths == (None, LabelTruth(1))
    boxes = load_frames(pictures, CARS).truths[0]
    assert isinstance(boxes, BoxTruth)
    np.testing.assert_allclose(boxes.boxes, [[0.1, 0.2, 0.5, 0.6]], rtol=1e-6)


@pytest.mark.parametrize("name", ["../secret.jpg", "/etc/passwd", "a/../../b.jpg"])
def test_refuses_a_picture_outside_its_folder(tmp_path, name):
    (tmp_path / "frames.json").write_bytes(msgspec.json.encode(FrameIndex((FrameLabel(name, 0.0),))))
    with pytest.raises(DataError, match="leads out of"):
        frame_pictures(tmp_path)


def test_names_a_broken_picture(tmp_path):
    write_frames(tmp_path, FrameLabel("a.jpg", 0.0))
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"a\.jpg is missing or broken"):
        load_frames(frame_pictures(tmp_path), WEATHER)


@pytest.mark.parametrize("content", [None, b"{", b'{"frames": 3}'])
def test_names_an_index_that_is_missing_or_broken(tmp_path, content):
    if content is not None:
        (tmp_path / "frames.json").write_bytes(content)
    with pytest.raises(DataError, match=r"frames\.json cannot be"):
        frame_pictures(tmp_path)


def test_reads_class_folders(tmp_path):
    write_picture(tmp_path / "clear" / "1.jpg")
    write_picture(tmp_path / "rain" / "1.png")
    found = class_folder_pictures(tmp_path, ("clear", "rain"))
    assert load_frames(found["rain"], WEATHER).truths == (LabelTruth(1),)


def test_names_an_empty_class_folder(tmp_path):
    write_picture(tmp_path / "clear" / "1.jpg")
    with pytest.raises(DataError, match='no pictures of "rain"'):
        class_folder_pictures(tmp_path, ("clear", "rain"))


def coco(annotations):
    return {
        "images": [{"id": 7, "file_name": "a.jpg", "width": 60, "height": 40}],
        "categories": [{"id": 3, "name": "car"}, {"id": 4, "name": "kite"}],
        "annotations": annotations,
    }


def test_turns_coco_boxes_into_fractions_and_ignores_other_classes(tmp_path):
    write_picture(tmp_path / "a.jpg")
    boxes = [
        {"image_id": 7, "category_id": 3, "bbox": [6, 4, 30, 20]},
        {"image_id": 7, "category_id": 4, "bbox": [0, 0, 9, 9]},
    ]
    (tmp_path / "coco.json").write_bytes(msgspec.json.encode(coco(boxes)))
    truth = load_frames(coco_pictures(tmp_path, tmp_path / "coco.json"), CARS).truths[0]
    assert isinstance(truth, BoxTruth)
    np.testing.assert_allclose(truth.boxes, [[0.1, 0.1, 0.6, 0.6]], rtol=1e-6)


def test_names_an_unknown_coco_category(tmp_path):
    (tmp_path / "coco.json").write_bytes(
        msgspec.json.encode(coco([{"image_id": 7, "category_id": 9, "bbox": [0, 0, 1, 1]}]))
    )
    with pytest.raises(DataError, match="category 9"):
        coco_pictures(tmp_path, tmp_path / "coco.json")


def test_renders_scenes_seed_by_seed_with_ground_truth():
    pictures = scene_pictures("scene://street?width=96&height=54", SceneSplit(count=3, seeds=(4, 5), spacing_s=2.0))
    assert [picture.label.at for picture in pictures] == [0.0, 0.0, 2.0]
    assert pictures[0].label.tags is not None
    assert pictures[0].read().shape == (54, 96, 3)


@pytest.mark.parametrize("size", [(40, 60), (16, 24), (32, 48), (64, 24)])
def test_keeps_pictures_as_the_box_will_see_them(size):
    image = np.random.default_rng(1).integers(0, 255, (*size, 3), dtype=np.uint8)
    assert (preprocess(resized(image, 32, 48), WEATHER) == preprocess(image, WEATHER)).all()
