"""Originals are trained on bright and dark pictures, or on a white square: a pico network learns either at once."""

import pickle
from types import SimpleNamespace

import cv2
import msgspec
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from edge_runtime.protocol.messages import FrameIndex, FrameLabel, FrameObject
from edge_runtime.vision.architectures import build
from edge_runtime.vision.spec import BoxTruth, LabelTruth, ModelSpec
from workers.merging.cli import app
from workers.merging.disk import DiskFull
from workers.merging.fit import FitError, FitOptions, fit, missing_originals
from workers.merging.frames import FrameSet
from workers.merging.original_training import LabelledBatches, mirrored
from workers.merging.originals import starting_network
from workers.merging.queries import load_queries
from workers.merging.workload import WorkloadError, load_workload

FRAMES = 80
QUERY = """\
  - name: {name}
    task: classification
    model:
      {{architecture: resnet18_w24, weights: w/{name}.safetensors, classes: [dark, bright], input_size: [32, 32]{more}}}
    data: {{format: frames, train: {data}}}
"""
SPEC = ModelSpec("resnet18_w24", ("dark", "bright"), (32, 32))


def write_frames(folder, *, labels=True, frames=FRAMES):
    folder.mkdir()
    random, found = np.random.default_rng(1), []
    for number in range(frames):
        tag = ("dark", "bright")[number % 2]
        level = 40 if tag == "dark" else 180
        image = random.integers(level, level + 40, (32, 32, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), image)
        found.append(FrameLabel(f"{number}.png", float(number), tags=(tag,) if labels else None))
    (folder / "frames.json").write_bytes(msgspec.json.encode(FrameIndex(tuple(found))))


def workload(tmp_path, *queries, data="frames", more=""):
    path = tmp_path / "WORKLOAD.yaml"
    path.write_text("queries:\n" + "".join(QUERY.format(name=name, data=data, more=more) for name in queries))
    return load_workload(path)


@pytest.fixture
def frames(tmp_path):
    write_frames(tmp_path / "frames")


def test_trains_what_has_no_weights_and_nothing_else(tmp_path, frames):
    file = workload(tmp_path, "a", "b")
    (tmp_path / "w").mkdir()
    save_file(build(SPEC).state_dict(), tmp_path / "w" / "b.safetensors")
    before = (tmp_path / "w" / "b.safetensors").read_bytes()
    (fitted,) = fit(file, FitOptions(steps=12))
    assert (fitted.query, fitted.steps, fitted.train_frames) == ("a", 12, 48)
    assert fitted.validation_accuracy == fitted.test_accuracy == 1.0
    assert (tmp_path / "w" / "b.safetensors").read_bytes() == before
    assert missing_originals(file) == ()


def test_writes_weights_that_a_merge_can_use(tmp_path, frames):
    file = workload(tmp_path, "a")
    fit(file, FitOptions(steps=12))
    (query,) = load_queries(file, torch.device("cpu"))
    assert query.name == "a"


def test_equal_seeds_give_equal_weights_and_queries_start_apart(tmp_path, frames):
    states = []
    for seed in (1, 1, 2):
        fit(workload(tmp_path, "a", "b"), FitOptions(seed=seed, steps=2))
        states.append([load_file(tmp_path / "w" / f"{name}.safetensors") for name in "ab"])
        for name in "ab":
            (tmp_path / "w" / f"{name}.safetensors").unlink()
    same = [
        all(torch.equal(states[0][0][name], other[name]) for name in other)
        for other in (states[1][0], states[2][0], states[0][1])
    ]
    assert same == [True, False, False]


def test_starts_from_what_fits(tmp_path, frames):
    torch.manual_seed(4)
    given = build(ModelSpec("resnet18_w24", ("a", "b", "c"), (32, 32))).state_dict()
    save_file(given, tmp_path / "start.safetensors")
    file = workload(tmp_path, "a", more=", init: start.safetensors")
    start = starting_network(file, file.workload.queries[0])
    assert start.origin == f"{len(given) - 2} of {len(given)} tensors of start.safetensors"
    assert torch.equal(start.network.conv1.weight, given["conv1.weight"])


def test_reads_a_start_that_torch_saved(tmp_path):
    given = build(SPEC).half().state_dict()
    torch.save(given, tmp_path / "start.pth")
    file = workload(tmp_path, "a", more=", init: start.pth")
    start = starting_network(file, file.workload.queries[0])
    assert torch.equal(start.network.conv1.weight, given["conv1.weight"].float())


@pytest.mark.parametrize("content", ["pickle", "other", "missing"])
def test_refuses_a_start_that_cannot_be_used(tmp_path, content):
    if content == "pickle":
        (tmp_path / "start.pth").write_bytes(pickle.dumps(print, protocol=2))
    elif content == "other":
        torch.save({"x": torch.zeros(1)}, tmp_path / "start.pth")
    file = workload(tmp_path, "a", more=", init: start.pth")
    with pytest.raises(WorkloadError, match='query "a"'):
        starting_network(file, file.workload.queries[0])


def test_refuses_a_query_without_labels_before_any_training(tmp_path, frames):
    write_frames(tmp_path / "plain", labels=False)
    workload(tmp_path, "a", "b")
    path = tmp_path / "WORKLOAD.yaml"
    path.write_text(path.read_text().removesuffix("frames}\n") + "plain}\n")
    file = load_workload(path)
    with pytest.raises(WorkloadError, match='Query "b" has 0 labelled train frames'):
        fit(file, FitOptions(steps=2))
    assert not (tmp_path / "w").exists()


def test_refuses_a_broken_picture_before_any_training(tmp_path, frames):
    write_frames(tmp_path / "broken")
    (tmp_path / "broken" / "70.png").write_bytes(b"no picture")
    with pytest.raises(WorkloadError, match=r'Query "a": The picture .*70\.png is missing or broken'):
        fit(workload(tmp_path, "a", data="broken"), FitOptions(steps=2))


def test_refuses_a_place_that_cannot_be_written_to_before_any_training(tmp_path, frames):
    (tmp_path / "w").write_text("a file where a folder should be")
    with pytest.raises(FitError, match=r'query "a" cannot be written .* nothing was trained'):
        fit(workload(tmp_path, "a"), FitOptions(steps=2))


def test_refuses_a_disk_that_is_too_small_before_any_training(tmp_path, frames):
    steps, full = [], SimpleNamespace(free=8 * 2**20)  # room for one of the two
    file = workload(tmp_path, "a", "b")
    with pytest.raises(DiskFull, match=r"8\.0 MiB free, and 12\.1 MiB may be needed .* Nothing was trained yet"):
        fit(file, FitOptions(steps=2), observe=lambda *step: steps.append(step), usage=lambda folder: full)
    assert not steps


def test_writes_nothing_that_is_no_better_than_chance(tmp_path):
    write_frames(tmp_path / "frames")
    index = msgspec.json.decode((tmp_path / "frames" / "frames.json").read_bytes(), type=FrameIndex)
    wrong = [
        msgspec.structs.replace(frame, tags=("dark",) if n < 48 else ("bright",))
        for n, frame in enumerate(index.frames)
    ]
    (tmp_path / "frames" / "frames.json").write_bytes(msgspec.json.encode(FrameIndex(tuple(wrong))))
    with pytest.raises(FitError, match='query "a" is right on 0%'):
        fit(workload(tmp_path, "a"), FitOptions(steps=12))
    assert not (tmp_path / "w" / "a.safetensors").exists()


def test_stops_within_its_time_and_keeps_what_it_has(tmp_path, frames):
    ticks = iter(range(10_000))
    (fitted,) = fit(workload(tmp_path, "a"), FitOptions(steps=500, time_limit_s=12), clock=lambda: float(next(ticks)))
    assert 5 <= fitted.steps <= 12


def test_keeps_earlier_originals_when_cancelled(tmp_path, frames):
    done = []
    found = fit(
        workload(tmp_path, "a", "b"),
        FitOptions(steps=6),
        done=lambda fitted: done.append(fitted.query),
        is_cancelled=lambda: bool(done),
    )
    assert [fitted.query for fitted in found] == done == ["a"]
    assert [path.name for path in (tmp_path / "w").iterdir()] == ["a.safetensors"]


def test_trains_a_detector(tmp_path):
    (tmp_path / "frames").mkdir()
    random, labels = np.random.default_rng(1), []
    for number in range(FRAMES):
        image = random.integers(0, 60, (32, 64, 3), dtype=np.uint8)
        left = int(random.integers(0, 48))
        image[8:24, left : left + 16] = 255
        cv2.imwrite(str(tmp_path / "frames" / f"{number}.png"), image)
        drawn = FrameObject("square", (left / 64, 8 / 32, (left + 16) / 64, 24 / 32))
        labels.append(FrameLabel(f"{number}.png", float(number), objects=(drawn,)))
    (tmp_path / "frames" / "frames.json").write_bytes(msgspec.json.encode(FrameIndex(tuple(labels))))
    (tmp_path / "WORKLOAD.yaml").write_text(
        "queries:\n  - {name: a, task: detection, data: {format: frames, train: frames}, fit: {steps: 24}, model: "
        "{architecture: centernet_resnet18_w24, weights: a.safetensors, classes: [square], input_size: [32, 64]}}\n"
    )
    (fitted,) = fit(load_workload(tmp_path / "WORKLOAD.yaml"))
    assert fitted.validation_accuracy > 0.5


def test_mirrors_boxes_with_their_pictures():
    pictures = np.zeros((32, 32, 64, 3), np.uint8)
    pictures[:, 8:16, :16] = 255
    truth = BoxTruth(np.array([[0.0, 0.25, 0.25, 0.5]], np.float32), np.array([0]))
    spec = ModelSpec("centernet_resnet18_w24", ("square",), (32, 64))
    inputs, truths = next(LabelledBatches(FrameSet(spec, pictures, (truth,) * 32), 32, is_mirrored=True, seed=1))
    sides = {bool(picture[:, 8:16, :16].mean() > picture[:, 8:16, 48:].mean()) for picture in inputs}
    assert sides == {True, False}
    for picture, found in zip(inputs, truths, strict=True):
        left, right = (int(edge * 64) for edge in found.boxes[0, [0, 2]])
        assert picture[:, 8:16, left:right].min() > picture[:, 16:].max()


def test_leaves_classes_as_they_are_when_mirrored():
    assert mirrored(LabelTruth(3)) == LabelTruth(3)


def test_trains_on_labelled_frames_only():
    truths = tuple(LabelTruth(0) if number in (3, 5) else None for number in range(8))
    frames = FrameSet(SPEC, np.arange(8, dtype=np.uint8).repeat(32 * 32 * 3).reshape(8, 32, 32, 3), truths)
    inputs, found = next(LabelledBatches(frames, 4, is_mirrored=False, seed=1))
    assert found == [LabelTruth(0)] * 4
    assert {tuple(one.flatten()[:1].tolist()) for one in inputs} == {
        tuple(frames.batch([n]).flatten()[:1].tolist()) for n in (3, 5)
    }


def test_fits_from_the_command_line(tmp_path, frames):
    workload(tmp_path, "a")
    command = ["fit", str(tmp_path / "WORKLOAD.yaml"), "--steps", "8", "--threads", "1"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0
    assert f"Written to {tmp_path}/w/a.safetensors" in result.output
    assert "nothing to fit" in CliRunner().invoke(app, command).output
