from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from edge_runtime.vision.metrics import accuracy, frame_score
from edge_runtime.vision.spec import BoxTruth, Detections, LabelTruth, ModelSpec, Task
from workers.merging.evaluation import (
    Reference,
    counts,
    details,
    evaluate,
    original_accuracy,
    reference,
    require_useful,
    task_figures,
)
from workers.merging.events import Basis
from workers.merging.frames import FrameSet
from workers.merging.workload import WorkloadError

CPU = torch.device("cpu")
SPEC = ModelSpec("resnet18_w24", ("dark", "bright"), (2, 2))


class Brightness(nn.Module):
    """Answers "bright" from a threshold on; dark pictures are 0, bright ones 255."""

    def __init__(self, threshold: float = 0.0) -> None:
        super().__init__()
        self.threshold = threshold

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        level = batch.mean(dim=(1, 2, 3)) - self.threshold
        return torch.stack([-level, level], dim=1)


def frames(levels: list[int], labels: list[int | None]) -> FrameSet:
    pictures = np.stack([np.full((2, 2, 3), level, dtype=np.uint8) for level in levels])
    return FrameSet(SPEC, pictures, tuple(None if label is None else LabelTruth(label) for label in labels))


def test_scores_against_labels_relative_to_the_original():
    some = frames([0] * 20 + [255] * 20, [0] * 20 + [1] * 15 + [0] * 5)
    against = reference(Brightness(), some, CPU)
    figures = evaluate("q", Brightness(threshold=9.0), against, 0.95, seed=1, device=CPU)
    assert figures.basis is Basis.RELATIVE_ACCURACY
    assert figures.original_accuracy == pytest.approx(35 / 40)
    assert figures.merged_accuracy == pytest.approx(25 / 40)
    assert figures.relative_accuracy == pytest.approx(25 / 35)
    assert figures.lower_bound < 25 / 35 < figures.upper_bound
    assert not figures.target_met


def test_scores_agreement_where_nobody_labelled():
    some = frames([0, 255] * 20, [None] * 40)
    against = reference(Brightness(), some, CPU)
    same = evaluate("q", Brightness(), against, 0.95, seed=1, device=CPU)
    other = evaluate("q", Brightness(threshold=9.0), against, 0.95, seed=1, device=CPU)
    assert (same.basis, same.original_accuracy, same.relative_accuracy) == (Basis.AGREEMENT, None, 1.0)
    assert same.target_met
    assert other.relative_accuracy == pytest.approx(0.5)


def test_uses_only_labelled_frames_when_there_are_enough():
    some = frames([0] * 40, [0] * 20 + [None] * 20)
    against = reference(Brightness(), some, CPU)
    assert (against.basis, len(against.index)) == (Basis.RELATIVE_ACCURACY, 20)


def test_decides_by_the_lower_bound_not_by_the_point_estimate():
    some = frames([0] * 24, [0] * 24)
    against = reference(Brightness(), some, CPU)
    one_wrong = replace(some, pictures=np.concatenate([some.pictures[:23], np.full((1, 2, 2, 3), 255, np.uint8)]))
    figures = evaluate("q", Brightness(), replace(against, frames=one_wrong), 0.95, seed=1, device=CPU)
    assert figures.relative_accuracy > 0.95
    assert not figures.target_met


def test_leaves_the_network_in_training_mode():
    network = Brightness().train()
    evaluate("q", network, reference(Brightness(), frames([0] * 4, [0] * 4), CPU), 0.5, seed=1, device=CPU)
    assert network.training


def test_refuses_an_original_no_better_than_chance():
    wrong = reference(Brightness(), frames([0, 255] * 10, [0, 1, 1, 0] * 5), CPU)
    with pytest.raises(WorkloadError, match=r'"q" is right on 50% .* chance'):
        require_useful("q", Task.CLASSIFICATION, wrong)


def test_sums_detections_to_the_f1_that_metrics_give():
    def answer(*boxes: tuple[float, float, float, float]) -> Detections:
        return Detections(
            np.array(boxes, np.float32).reshape(-1, 4), np.zeros(len(boxes), np.int64), np.ones(len(boxes))
        )

    def truth(*boxes: tuple[float, float, float, float]) -> BoxTruth:
        return BoxTruth(np.array(boxes, np.float32).reshape(-1, 4), np.zeros(len(boxes), np.int64))

    here, there = (0.1, 0.1, 0.4, 0.4), (0.6, 0.6, 0.9, 0.9)
    answers, truths = [answer(here), answer(here, there), answer()], [truth(here, there), truth(there), truth()]
    expected = accuracy([frame_score(a, t) for a, t in zip(answers, truths, strict=True)])
    against = Reference(
        frames([0] * 3, [0] * 3), Basis.AGREEMENT, (0, 1, 2), tuple(truths), tuple(answers), counts(answers, truths)
    )
    assert original_accuracy(against) == pytest.approx(expected) == pytest.approx(2 * 2 / (2 * 2 + 2))


def test_tells_macro_f1_of_original_and_merged_model_beside_what_decides():
    some = frames([0] * 20 + [255] * 20, [0] * 20 + [1] * 20)
    against = reference(Brightness(), some, CPU)
    found = details(Brightness(threshold=9.0), against, CPU)
    assert found.original.macro_f1 == 1.0
    assert found.merged.macro_f1 == pytest.approx((2 / 3 + 0) / 2)  # all "dark": F1 2/3 for dark, 0 for bright
    assert found.merged.map is None


def test_tells_no_further_figures_without_labels():
    against = reference(Brightness(), frames([0, 255] * 20, [None] * 40), CPU)
    assert details(Brightness(), against, CPU) is None


def test_tells_mean_average_precision_of_detections():
    boxes = np.array([[0.1, 0.1, 0.5, 0.5]], dtype=np.float32)
    truth, empty = BoxTruth(boxes, np.array([0])), BoxTruth(np.zeros((0, 4), np.float32), np.zeros(0, np.int64))
    answer = Detections(boxes, np.array([0]), np.array([0.9], dtype=np.float32))
    assert task_figures([answer], [truth], ("car",)).map == pytest.approx(1.0)
    assert task_figures([answer], [empty], ("car",)).map is None
