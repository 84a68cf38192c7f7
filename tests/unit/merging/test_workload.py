import pytest

from edge_runtime.vision.spec import Task
from workers.merging.workload import (
    FrameCounts,
    SceneData,
    WorkloadError,
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
    ],
)
def test_names_the_line_of_a_mistake(old: str, new: str, expected: str):
    assert old in GOOD
    with pytest.raises(YamlError, match=expected) as caught:
        parse_workload(GOOD.replace(old, new))
    assert str(caught.value).startswith("WORKLOAD.yaml, line ")


def test_refuses_two_queries_of_one_name():
    with pytest.raises(WorkloadError, match='"Cars"'):
        parse_workload(GOOD.replace("Weather on the bridge", "Cars"))


def test_refuses_a_class_listed_twice():
    with pytest.raises(WorkloadError, match="twice"):
        parse_workload(GOOD.replace("[clear, rain]", "[rain, rain]"))


def test_says_when_the_file_is_missing(tmp_path):
    with pytest.raises(YamlError, match=r"nowhere\.yaml cannot be read"):
        load_workload(tmp_path / "nowhere.yaml")


def test_takes_paths_relative_to_the_file(tmp_path):
    (tmp_path / "w.yaml").write_text(GOOD)
    assert load_workload(tmp_path / "w.yaml").path("a") == tmp_path.resolve() / "a"


def test_says_what_data_is_missing():
    sentences = missing_data({"a": FrameCounts(400, 100, 100), "b": FrameCounts(10, 100, 3)})
    assert sentences == ('Query "b" needs at least 32 train frames but has 10, 16 test frames but has 3.',)


def test_asks_for_nothing_when_there_is_enough():
    assert missing_data({"a": FrameCounts(32, 16, 16)}) == ()
