"""Which frames are shown to whoever decides, and what is said of them."""

from dataclasses import replace

import cv2
import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from edge_runtime.protocol.messages import FrameLabel
from edge_runtime.vision.spec import Detections, LabelTruth, ModelSpec, Task
from workers.merging import disagreements
from workers.merging.disagreements import Named, read_disagreements, spread, write_disagreements
from workers.merging.evaluation import reference
from workers.merging.frames import FrameSet
from workers.merging.pictures import DataError, Picture
from workers.merging.queries import MergingQuery
from workers.merging.workload import FolderData, ModelPart, QueryPart

CPU = torch.device("cpu")
CLASSES = ("dark", "bright")
SPEC = ModelSpec("resnet18_w24", CLASSES, (2, 2))


class Brightness(nn.Module):
    """Answers "bright" where a picture is brighter than its bias."""

    def __init__(self, threshold: float = 0.0) -> None:
        super().__init__()
        self.threshold = nn.Parameter(torch.tensor(threshold))

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        level = batch.mean(dim=(1, 2, 3)) - self.threshold
        return torch.stack([-level, level], dim=1)


def _missing() -> np.ndarray:
    raise DataError("The picture is missing.")


def frame_set(levels: list[int], *, at: float = 0.0, sources: bool = True) -> FrameSet:
    """Frames of one brightness each; the sources are larger than what the network sees. Bright is right."""
    pictures = np.stack([np.full((2, 2, 3), level, np.uint8) for level in levels])
    large = [np.full((600, 1280, 3), level, np.uint8) for level in levels]
    labels = [FrameLabel(f"{number}.jpg", at + number) for number in range(len(levels))]
    known = tuple(Picture(label, lambda image=image: image) for label, image in zip(labels, large, strict=True))
    return FrameSet(SPEC, pictures, (LabelTruth(1),) * len(levels), known if sources else ())


def make(validation: FrameSet, test: FrameSet) -> MergingQuery:
    model = ModelPart(architecture=SPEC.architecture, weights="unused", classes=CLASSES, input_size=(8, 8))
    part = QueryPart(name="q", task=Task.CLASSIFICATION, model=model, data=FolderData("unused"))
    original = Brightness()
    against = [reference(original, frames, CPU) for frames in (validation, test)]
    return MergingQuery(part, original, validation, *against, teaching=None)


MERGED = {"threshold": torch.tensor(0.5)}  # calls what is just bright enough dark
BRIGHT, SLIGHTLY, DARK = 255, 128, 0


def written(query, tmp_path):
    write_disagreements(tmp_path, [query], {"q": MERGED}, CPU)
    return read_disagreements(tmp_path)[0]


def test_says_of_how_many_frames_how_many_are_answered_otherwise(tmp_path):
    found = written(make(frame_set([BRIGHT, SLIGHTLY, DARK]), frame_set([SLIGHTLY, BRIGHT], at=50)), tmp_path)

    assert (found.query, found.frames, found.differing) == ("q", 5, 2)
    assert [(one.frame, one.at) for one in found.examples] == [("1.jpg", 1.0), ("0.jpg", 50.0)]


def test_gives_both_answers_and_the_label(tmp_path):
    (one,) = written(make(frame_set([SLIGHTLY]), frame_set([DARK])), tmp_path).examples

    assert [(named.label, named.is_agreed) for named in one.original] == [("bright", False)]
    assert [(named.label, named.is_agreed) for named in one.merged] == [("dark", False)]
    assert one.truth == (Named("bright"),)


def test_keeps_the_frame_as_the_data_set_has_it_but_no_wider_than_a_page_needs(tmp_path):
    (one,) = written(make(frame_set([SLIGHTLY]), frame_set([DARK])), tmp_path).examples

    image = cv2.imread(str(tmp_path / "disagreements" / one.picture))
    assert image.shape == (300, 640, 3)
    assert (one.width, one.height) == (640, 300)
    assert abs(int(image.mean()) - SLIGHTLY) <= 2


def test_a_frame_that_cannot_be_read_any_more_is_told_of_without_its_picture(tmp_path):
    frames = frame_set([SLIGHTLY])
    gone = replace(frames, sources=(Picture(frames.sources[0].label, _missing),))

    (one,) = written(make(gone, frame_set([DARK])), tmp_path).examples
    assert (one.picture, one.frame) == ("", "0.jpg")


def test_frames_without_a_source_are_shown_as_the_network_sees_them(tmp_path):
    (one,) = written(make(frame_set([SLIGHTLY], sources=False), frame_set([DARK])), tmp_path).examples
    assert (one.width, one.height) == (2, 2)


def test_queries_that_keep_their_originals_are_left_out_and_older_pictures_go(tmp_path):
    query = make(frame_set([SLIGHTLY]), frame_set([DARK]))
    written(query, tmp_path)
    write_disagreements(tmp_path, [query], {}, CPU)

    assert read_disagreements(tmp_path) == ()
    assert not list((tmp_path / "disagreements").iterdir())


def test_an_older_run_wrote_none(tmp_path):
    assert read_disagreements(tmp_path) == ()


def test_objects_that_both_find_are_told_from_those_that_one_finds():
    def detections(*objects: tuple[float, int, float]) -> Detections:
        left, labels, scores = (np.array(column) for column in zip(*objects, strict=True))
        boxes = np.stack([left, left * 0, left + 0.1, left * 0 + 0.1], axis=1).astype(np.float32)
        return Detections(boxes, labels.astype(np.int64), scores.astype(np.float32))

    original = detections((0.1, 0, 0.9), (0.5, 1, 0.8), (0.8, 0, 0.1))  # the last is no answer
    merged = detections((0.11, 0, 0.7), (0.5, 0, 0.6))

    ours, theirs = (disagreements._named(*pair, ("car", "person")) for pair in ((original, merged), (merged, original)))
    assert [(named.label, named.is_agreed) for named in ours] == [("car", True), ("person", False)]
    assert [(named.label, named.is_agreed) for named in theirs] == [("car", True), ("car", False)]
    assert ours[0].box == (0.1, 0.0, 0.2, 0.1)


@given(st.lists(st.floats(0, 9), max_size=60), st.integers(1, 8))
def test_an_even_selection_holds_the_worst_in_order_and_nothing_that_agrees(severities, most):
    found = spread(severities, most)

    differing = [place for place, severity in enumerate(severities) if severity > 0]
    assert len(found) == min(most, len(differing))
    assert found == sorted(set(found))
    assert set(found) <= set(differing)
    if differing:
        assert max(severities[place] for place in found) == max(severities)


def test_one_bad_stretch_does_not_crowd_out_the_others():
    assert spread([9, 8, 7, 0, 1, 2, 0, 1], 3) == [0, 2, 5]
