"""The pictures and labels that `make bench-merging` makes of recordings."""

from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest

from benchmarks.merging.examples import Example, Part, thinned, write_part
from benchmarks.merging.recordings import Clip, lane_occupancy, objects_in_region, presence, vehicle_types

SIZE = (64, 96)  # height, width
CARS = [[20, 16, 24, 16], [0, 0, 8, 8]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four frames of a recording, each in a grey of its own; frame 2 is unlabelled, frame 3 is empty."""
    (tmp_path / "videos").mkdir()
    (tmp_path / "labels").mkdir()
    writer = cv2.VideoWriter(str(tmp_path / "videos/road.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 1.0, SIZE[::-1])
    for level in (20, 80, 140, 200):
        writer.write(np.full((*SIZE, 3), level, np.uint8))
    writer.release()
    images = [{"id": n + 1, "frame_index": n, "time_s": float(n)} for n in (0, 1, 3)]
    boxes = [{"image_id": n, "category_id": 3, "bbox": box} for n in (1, 2) for box in CARS]
    labels = {"images": images, "categories": [{"id": 3, "name": "car"}], "annotations": boxes}
    (tmp_path / "labels/road.json").write_bytes(msgspec.json.encode(labels))
    return tmp_path


def test_a_clip_gives_labelled_frames_of_its_seconds_only(folder: Path) -> None:
    frames = list(Clip(folder, "road", 1.0, 4.0).frames())
    assert [round(float(picture.mean()), -1) for picture, _ in frames] == [80, 200]
    assert [len(boxes) for _, boxes in frames] == [2, 0]


def test_what_a_region_cuts_off_counts_as_hidden(folder: Path) -> None:
    first = next(objects_in_region(Clip(folder, "road"), (32, 8, 32, 32)))
    assert first.image.shape == (32, 32, 3)
    (car,) = first.objects or ()
    assert car.box == (0.0, 0.25, 0.375, 0.75)
    assert car.occluded == pytest.approx(0.5)


def test_presence_is_a_word_per_frame(folder: Path) -> None:
    words = [example.tags for example in presence(Clip(folder, "road"), ("empty", "present"))]
    assert words == [("present",), ("present",), ("empty",)]


def test_a_place_is_occupied_free_or_left_out(folder: Path) -> None:
    places = ((32, 24), (80, 48), (48, 24))  # inside the car, far from it, just beside it
    found = list(lane_occupancy(Clip(folder, "road", 0.0, 1.0), places, (24, 18), ("free", "occupied")))
    assert [example.tags for example in found] == [("occupied",), ("free",)]
    assert found[0].image.shape == (18, 24, 3)


def test_vehicles_too_small_to_tell_apart_are_left_out(folder: Path) -> None:
    found = list(vehicle_types(Clip(folder, "road", 0.0, 1.0), {"car": "small"}, least_side=10))
    assert [(example.tags, example.image.shape) for example in found] == [(("small",), (16, 24, 3))]


def test_thinning_is_even_and_keeps_both_ends() -> None:
    examples = [Example(np.full((1, 1, 3), number, np.uint8)) for number in range(9)]
    assert [int(example.image[0, 0, 0]) for example in thinned(examples, 3)] == [0, 4, 8]
    assert len(thinned(examples, 20)) == 9


def test_a_written_part_is_kept_and_described(folder: Path, tmp_path: Path) -> None:
    part = Part("some", "road", lambda: presence(Clip(folder, "road"), ("empty", "present")), 2)
    described = write_part(part, ("empty", "present"), tmp_path / "pictures")
    assert (described.frames, described.labels) == (2, {"empty": 1, "present": 1})
    (tmp_path / "pictures/some/00000.png").write_bytes(b"")
    assert write_part(part, ("empty", "present"), tmp_path / "pictures") == described
    assert (tmp_path / "pictures/some/00000.png").read_bytes() == b""
