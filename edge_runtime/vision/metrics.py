"""How right an answer is: frame by frame, so that accuracies over any set of frames come from sums of small counts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge_runtime.protocol.errors import GemelError
from edge_runtime.vision.detections import as_truth, best_first, box_iou
from edge_runtime.vision.spec import BoxTruth, Classification, Detections, LabelTruth, Prediction, Truth

IOU_THRESHOLD = 0.5


class NothingToScore(GemelError):
    code = "nothing_to_score"


@dataclass(frozen=True)
class FrameScore:
    """Answers of one frame. A classification is one true positive, or one false positive and one false negative."""

    true_positives: int
    false_positives: int
    false_negatives: int


def frame_score(prediction: Prediction, truth: Truth) -> FrameScore:
    """Detections count from SCORE_THRESHOLD on and are right at IoU 0.5 with a true box of their class.

    Matched greedily, best first; a true box is matched once. A frame with no object and no detection scores 0, 0, 0.
    Raises TypeError where `truth` is of another task than `prediction`.
    """
    if isinstance(prediction, Classification) and isinstance(truth, LabelTruth):
        is_right = prediction.label == truth.label
        return FrameScore(int(is_right), int(not is_right), int(not is_right))
    if isinstance(prediction, Detections) and isinstance(truth, BoxTruth):
        answers = as_truth(best_first(prediction))
        matched = len(matches(answers, truth))
        return FrameScore(matched, len(answers.labels) - matched, len(truth.labels) - matched)
    raise TypeError(f"{type(prediction).__name__} cannot be scored by {type(truth).__name__}")


def matches(answers: BoxTruth, truth: BoxTruth) -> list[tuple[int, int]]:
    """Which of `answers`, best first, find which true box of their own: places in both."""
    same = answers.labels[:, None] == truth.labels[None]
    overlaps = np.where(same, box_iou(answers.boxes, truth.boxes), 0.0)
    found = []
    for row in range(len(overlaps) if len(truth.labels) else 0):
        best = int(overlaps[row].argmax())
        if overlaps[row, best] >= IOU_THRESHOLD:
            overlaps[:, best] = 0.0
            found.append((row, best))
    return found


def accuracy(scores: Sequence[FrameScore]) -> float:
    """0..1: the share of right answers of classifications, F1 at IoU 0.5 of detections, over all frames together.

    F1 = 2 TP / (2 TP + FP + FN), which for classifications is top-1. Frames that all show nothing, with nothing
    detected, are all right: 1.0. Raises NothingToScore without a frame.
    """
    if not scores:
        raise NothingToScore("There is no frame to measure accuracy on; nothing was changed: provide labelled frames.")
    right = 2 * sum(score.true_positives for score in scores)
    wrong = sum(score.false_positives + score.false_negatives for score in scores)
    return right / (right + wrong) if right + wrong else 1.0


def macro_f1(answers: Sequence[Classification], truths: Sequence[LabelTruth]) -> float:
    """0..1: the mean F1 of the classes that some answer or truth names, so that rare ones count like frequent ones.

    Raises NothingToScore without a frame.
    """
    if not truths:
        raise NothingToScore("There is no frame to measure F1 on; nothing was changed: provide labelled frames.")
    answered, true = (np.array([one.label for one in some]) for some in (answers, truths))
    found = np.union1d(answered, true)
    right = np.array([2 * np.sum((answered == label) & (true == label)) for label in found])
    named = np.array([np.sum(answered == label) + np.sum(true == label) for label in found])
    return float(np.mean(right / named))
