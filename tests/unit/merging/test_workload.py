import pytest

from edge_runtime.vision.spec import Task
from workers.merging.workload import (
    PRETRAINED,
    CocoData,
    FitPart,
    FrameCounts,
    SceneData,
    load_workload,
    missing_data,
    parse_workload,
)
from workers.merging.yaml_lines import YamlError

GOOD = """\
queries:
  - name: Weather on the bridge
    task: classification
    model:
      architecture: resnet18_w24
      weights: a.safetensors
      classes: [clear, rain]
      input_size: [64, 96]
    data: {format: frames, train: a}
  - name: Cars
    task: detection
    model: {architecture: centernet_resnet18_w24, weights: b.safetensors, classes: [car], input_size: [64, 96]}
    data:
      format: scene
      address: scene://street
      train: {count: 60, seeds: [1, 2]}
    accuracy_target: 0.9
"""


def test_reads_a_workload():
    first, second = parse_workload(GOOD).queries
    assert (first.task, first.accuracy_target, first.model.spec.input_size) == (Task.CLASSIFICATION, 0.95, (64, 96))
    assert isinstance(second.data, SceneData)
    assert second.data.train.seeds == (1, 2)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("[64, 96]\n    data", "[64, 2]\n    data", "line 8"),
        ("format: frames", "format: films", "line 9"),
        ("accuracy_target: 0.9", "accuracy_target: 1.5", "line 17"),
        ("task: detection", "task: guessing", "line 11"),
        ("weights: a.safetensors", "weight: a.safetensors", "line 4: Object contains unknown field `weight`"),
        ("seeds: [1, 2]", "seeds: []", "line 16"),
        ("classes: [clear, rain]", "classes: [clear, rain", "line"),
        ("[clear, rain]", "[rain, rain]", 'line 4: "classes" lists one twice: rain, rain'),
        ("resnet18_w24\n", "resnet19\n", 'line 4: there is no architecture "resnet19"; .*resnet18'),
        ("architecture: resnet18_w24\n", "architecture: yolov3\n", "line 2: .* yolov3 is made for detection"),
    ],
)
def test_names_the_line_of_a_mistake(old: str, new: str, expected: str):
    assert old in GOOD
    with pytest.raises(YamlError, match=expected) as caught:
        parse_workload(GOOD.replace(old, new))
    assert str(caught.value).startswith("WORKLOAD.yaml, line ")


COCO = """\
queries:
  - name: Vehicle type
    task: classification
    model: {architecture: resnet18_w24, weights: a.pt, init: DEFAULT, classes: [car, bus], input_size: [64, 96]}
    data:
      format: coco
      train: {images: a.mp4, annotations: a.json}
      crop: true
      minimum_side_px: 24
    fit: {steps: 300, batch: 32, peak_rate: 0.002, mirror: false}
"""


def test_reads_crops_and_how_to_fit():
    (query,) = parse_workload(COCO).queries
    assert isinstance(query.data, CocoData)
    assert (query.data.crop, query.data.minimum_side_px, query.data.every) == (True, 24, 1)
    assert query.model.init == PRETRAINED
    assert query.fit == FitPart(steps=300, batch=32, peak_rate=0.002, mirror=False)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("minimum_side_px: 24", "minimum_side_px: -1", "line 9"),
        ("images: a.mp4", "video: a.mp4", "line 7: Object contains unknown field `video`"),
        ("peak_rate: 0.002", "peak_rate: 0", "line 10"),
        ("steps: 300", "steps: 300, epochs: 4", 'line 2: "Vehicle type" has "steps" and "epochs"'),
        ("task: classification", "task: detection", 'line 2: "crop" and "absent" are for classification'),
        ("crop: true", "absent: van", 'line 2: "absent" of "Vehicle type" is "van"'),
        ("crop: true", "crop: true\n      absent: bus", "line 2: .* a crop always shows an object"),
    ],
)
def test_names_the_line_of_a_mistake_about_data_or_fitting(old: str, new: str, expected: str):
    assert old in COCO
    with pytest.raises(YamlError, match=expected):
        parse_workload(COCO.replace(old, new))


def test_names_the_line_of_a_second_query_of_one_name():
    with pytest.raises(YamlError, match='line 10: two queries are called "Weather on the bridge"'):
        parse_workload(GOOD.replace("Cars", "Weather on the bridge"))


def test_says_when_the_file_is_missing(tmp_path):
    with pytest.raises(YamlError, match=r"nowhere\.yaml cannot be read: No such file or directory\."):
        load_workload(tmp_path / "nowhere.yaml")


def test_takes_paths_relative_to_the_file(tmp_path):
    (tmp_path / "w.yaml").write_text(GOOD)
    assert load_workload(tmp_path / "w.yaml").path("a") == tmp_path.resolve() / "a"


def test_says_what_data_is_missing():
    sentences = missing_data({"a": FrameCounts(400, 100, 100), "b": FrameCounts(10, 100, 3)})
    assert sentences == ('Query "b" needs at least 32 train frames but has 10, 16 test frames but has 3.',)


def test_asks_for_nothing_when_there_is_enough():
    assert missing_data({"a": FrameCounts(32, 16, 16)}) == ()
