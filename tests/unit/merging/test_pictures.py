import cv2
import msgspec
import numpy as np
import pytest

from edge_runtime.protocol.messages import FrameIndex, FrameLabel, FrameObject
from edge_runtime.vision.preprocessing import preprocess
from edge_runtime.vision.spec import BoxTruth, LabelTruth, ModelSpec
from tests.simulators.bomb import png_that_claims
from workers.merging.frames import load_frames, resized
from workers.merging.pictures import DataError, class_folder_pictures, frame_pictures
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


def test_names_a_picture_that_claims_to_be_enormous(tmp_path):
    write_frames(tmp_path, FrameLabel("a.png", 0.0))
    (tmp_path / "a.png").write_bytes(png_that_claims(60_000, 60_000))
    with pytest.raises(DataError, match=r"a\.png is too large"):
        load_frames(frame_pictures(tmp_path), WEATHER)


@pytest.mark.parametrize("content", [None, b"{", b'{"frames": 3}'])
def test_names_an_index_that_is_missing_or_broken(tmp_path, content):
    if content is not None:
        (tmp_path / "frames.json").write_bytes(content)
    with pytest.raises(DataError, match=r"frames\.json cannot be"):
        frame_pictures(tmp_path)


def test_takes_a_folder_without_an_index_as_unlabelled_in_order_of_name(tmp_path):
    for name in ("b.png", "a.jpg"):
        write_picture(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    pictures = frame_pictures(tmp_path)
    assert [(picture.label.file, picture.label.tags, picture.label.objects) for picture in pictures] == [
        ("a.jpg", None, None),
        ("b.png", None, None),
    ]


def test_reads_class_folders(tmp_path):
    write_picture(tmp_path / "clear" / "1.jpg")
    write_picture(tmp_path / "rain" / "1.png")
    found = class_folder_pictures(tmp_path, ("clear", "rain"))
    assert load_frames(found["rain"], WEATHER).truths == (LabelTruth(1),)


def test_names_a_class_folder_that_is_missing_or_empty(tmp_path):
    write_picture(tmp_path / "clear" / "1.jpg")
    with pytest.raises(DataError, match='rain is to hold pictures of "rain", but it is missing'):
        class_folder_pictures(tmp_path, ("clear", "rain"))
    (tmp_path / "rain").mkdir()
    with pytest.raises(DataError, match='rain is to hold pictures of "rain", but there are no pictures in it'):
        class_folder_pictures(tmp_path, ("clear", "rain"))


def test_renders_scenes_seed_by_seed_with_ground_truth():
    pictures = scene_pictures("scene://street?width=96&height=54", SceneSplit(count=3, seeds=(4, 5), spacing_s=2.0))
    assert [picture.label.at for picture in pictures] == [0.0, 0.0, 2.0]
    assert pictures[0].label.tags is not None
    assert pictures[0].read().shape == (54, 96, 3)


@pytest.mark.parametrize("size", [(40, 60), (16, 24), (32, 48), (64, 24)])
def test_keeps_pictures_as_the_box_will_see_them(size):
    image = np.random.default_rng(1).integers(0, 255, (*size, 3), dtype=np.uint8)
    assert (preprocess(resized(image, 32, 48), WEATHER) == preprocess(image, WEATHER)).all()
