import msgspec
import pytest

from tests.unit.merging.videos import number_of, write_video
from workers.merging.sources import load_splits, query_pictures
from workers.merging.workload import WorkloadError, WorkloadFile, parse_workload

QUERY = """\
queries:
  - name: Road
    task: {task}
    model: {{architecture: {architecture}, weights: a.safetensors, classes: [{classes}], input_size: [32, 64]}}
    data: {data}
"""
COCO = "{format: coco, train: {images: clip.mkv, annotations: coco.json}"


@pytest.fixture
def road(tmp_path):
    """Ten frames of a video: each odd one shows two cars, one of them small."""
    write_video(tmp_path / "clip.mkv", 10)
    coco = {
        "images": [{"id": n, "file_name": f"{n}", "width": 64, "height": 32, "frame_index": n} for n in range(10)],
        "categories": [{"id": 3, "name": "car"}],
        "annotations": [
            {"image_id": n, "category_id": 3, "bbox": [0, 0, side, side]} for n in range(1, 10, 2) for side in (4, 16)
        ],
    }
    (tmp_path / "coco.json").write_bytes(msgspec.json.encode(coco))

    def splits(data, task="classification", classes="car, nothing"):
        architecture = "resnet18_w24" if task == "classification" else "centernet_resnet18_w24"
        text = QUERY.format(data=data, task=task, architecture=architecture, classes=classes)
        workload = parse_workload(text)
        found = query_pictures(WorkloadFile(workload, tmp_path), workload.queries[0])
        return found.train, found.validation, found.test

    return splits


def test_splits_a_labelled_video_in_blocks_of_time(road):
    splits = road(COCO + "}", task="detection", classes="car")
    assert [[number_of(picture.read()) for picture in split] for split in splits] == [[*range(6)], [6, 7], [8, 9]]


def test_takes_one_frame_in_every(road):
    train, validation, test = road(COCO + ", every: 3}", task="detection", classes="car")
    assert [number_of(picture.read()) for picture in (*train, *validation, *test)] == [0, 3, 6, 9]


def test_keeps_the_crops_of_a_frame_in_one_split(road):
    splits = road(COCO + ", crop: true}", classes="car")
    frames = [{picture.label.at for picture in split} for split in splits]
    assert frames == [{1.0, 3.0, 5.0}, {7.0}, {9.0}]
    assert [len(split) for split in splits] == [6, 2, 2]


def test_tells_a_frame_that_shows_nothing(road):
    train, _, _ = road(COCO + ", absent: nothing}")
    assert [picture.label.tags for picture in train[:3]] == [("nothing",), ("car",), ("nothing",)]


def test_ignores_objects_that_are_too_small(road):
    train, _, _ = road(COCO + ", crop: true, minimum_side_px: 8}", classes="car")
    assert len(train) == 3


def test_takes_a_video_without_labels(road):
    train, validation, test = road("{format: frames, train: clip.mkv, every: 2}")
    assert [number_of(picture.read()) for picture in (*train, *validation, *test)] == [0, 2, 4, 6, 8]
    assert train[0].label.tags is None


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("{format: frames, train: gone.mkv}", "cannot be read"),
        ("{format: frames, train: coco.json}", "cannot be read"),
        ("{format: coco, train: {images: gone.mkv, annotations: coco.json}}", "are missing"),
        ("{format: coco, train: {images: coco.json, annotations: coco.json}}", "cannot be read"),
        ("{format: coco, train: {images: clip.mkv, annotations: gone.json}}", "cannot be read"),
        ("{format: imagefolder, train: gone}", 'pictures of "bus", but it is missing'),
        ("{format: coco, train: {images: clip.mkv, annotations: coco.json}}", "none of the classes bus"),
    ],
)
def test_names_the_query_whose_data_cannot_be_used(road, data, expected):
    with pytest.raises(WorkloadError, match=expected) as caught:
        road(data, classes="bus")
    assert str(caught.value).startswith('Query "Road": ')


def test_names_the_query_whose_video_breaks_off(road, tmp_path):
    content = (tmp_path / "clip.mkv").read_bytes()
    (tmp_path / "clip.mkv").write_bytes(content[: len(content) * 2 // 3])
    workload = parse_workload(
        QUERY.format(data=COCO + "}", task="classification", architecture="resnet18_w24", classes="car, nothing")
    )
    with pytest.raises(WorkloadError, match=r'Query "Road": The video .*clip\.mkv (ends after|is broken at)'):
        load_splits(workload.queries[0], query_pictures(WorkloadFile(workload, tmp_path), workload.queries[0]))
