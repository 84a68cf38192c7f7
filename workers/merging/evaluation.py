"""A merged model beside its original on the same frames: relative accuracy where labels exist, else agreement.

A configuration is accepted by the lower confidence bound on validation frames; test frames decide nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from edge_runtime.vision.coco import coco_map
from edge_runtime.vision.metrics import frame_score, macro_f1
from edge_runtime.vision.spec import BoxTruth, Classification, Detections, LabelTruth, Prediction, Task, Truth
from edge_runtime.vision.tasks import functions_for
from workers.merging.bootstrap import bootstrap
from workers.merging.events import Basis, QueryFigures
from workers.merging.frames import FrameSet
from workers.merging.result import Details, TaskFigures
from workers.merging.workload import WorkloadError

BATCH = 64
MINIMUM_LABELLED = 16  # fewer labelled frames than this say less than agreement over all of them


@dataclass(frozen=True)
class Reference:
    """What merged models of one query are compared with on one split: worked out once, from the original.

    `truths` and the original's `answers` belong to the frames at `index`. `original`: (n, 2) float64, right and wrong
    per frame (see `counts`).
    """

    frames: FrameSet
    basis: Basis
    index: tuple[int, ...]
    truths: tuple[Truth, ...]
    answers: tuple[Prediction, ...]
    original: np.ndarray


def reference(original: nn.Module, frames: FrameSet, device: torch.device) -> Reference:
    labelled = tuple(number for number, truth in enumerate(frames.truths) if truth is not None)
    if len(labelled) >= MINIMUM_LABELLED or len(labelled) == len(frames):
        truths = tuple(truth for truth in frames.truths if truth is not None)
        answers = predictions(original, frames, labelled, device)
        return Reference(frames, Basis.RELATIVE_ACCURACY, labelled, truths, answers, counts(answers, truths))
    everything = tuple(range(len(frames)))
    answers = predictions(original, frames, everything, device)
    functions = functions_for(frames.spec)
    truths = tuple(functions.agreement_truth(answer) for answer in answers)
    return Reference(frames, Basis.AGREEMENT, everything, truths, answers, counts(answers, truths))


def original_accuracy(found: Reference) -> float:
    return float(_accuracy(np.ones((1, len(found.index))), found.original)[0])


def require_useful(query: str, task: Task, found: Reference) -> None:
    """Raises WorkloadError for an original no better than chance: no share of its accuracy would mean anything."""
    accuracy = original_accuracy(found)
    chance = 1 / len(found.frames.spec.classes) if task is Task.CLASSIFICATION else 0.0
    if found.basis is Basis.RELATIVE_ACCURACY and accuracy <= chance < 1:
        raise WorkloadError(
            f'The original of query "{query}" is right on {accuracy:.0%} of its validation data, no better than '
            "chance; check its weights, the order of its classes and the labels, then start again."
        )


def evaluate(
    name: str, merged: nn.Module, against: Reference, target: float, *, seed: int, device: torch.device
) -> QueryFigures:
    answers = predictions(merged, against.frames, against.index, device)
    mine = counts(answers, against.truths)
    once = np.ones((1, len(against.index)))

    def relative(weights: np.ndarray) -> np.ndarray:
        own, base = _accuracy(weights, mine), _accuracy(weights, against.original)
        return np.asarray(np.divide(own, base, out=np.zeros_like(own), where=base > 0))

    estimate = bootstrap(relative, len(against.index), seed=seed)
    has_labels = against.basis is Basis.RELATIVE_ACCURACY
    return QueryFigures(
        name=name,
        original_accuracy=original_accuracy(against) if has_labels else None,
        merged_accuracy=float(_accuracy(once, mine)[0]),
        relative_accuracy=estimate.value,
        lower_bound=estimate.lower,
        upper_bound=estimate.upper,
        basis=against.basis,
        target=target,
        target_met=estimate.lower >= target,
        frames=len(against.index),
    )


def details(merged: nn.Module, against: Reference, device: torch.device) -> Details | None:
    """Figures beside the deciding ones, of original and merged model on the same frames; None without labels."""
    if against.basis is Basis.AGREEMENT:
        return None
    answers = predictions(merged, against.frames, against.index, device)
    classes = against.frames.spec.classes
    return Details(
        task_figures(against.answers, against.truths, classes), task_figures(answers, against.truths, classes)
    )


def task_figures(answers: Sequence[Prediction], truths: Sequence[Truth], classes: Sequence[str]) -> TaskFigures:
    """Macro F1 of classifications, COCO mAP of detections; nothing where no frame shows an object."""
    labels = [truth for truth in truths if isinstance(truth, LabelTruth)]
    boxes = [truth for truth in truths if isinstance(truth, BoxTruth)]
    if labels:
        return TaskFigures(macro_f1=macro_f1([one for one in answers if isinstance(one, Classification)], labels))
    if not any(len(truth.labels) for truth in boxes):
        return TaskFigures()
    return TaskFigures(map=coco_map([one for one in answers if isinstance(one, Detections)], boxes, classes))


def predictions(
    network: nn.Module, frames: FrameSet, index: Sequence[int], device: torch.device
) -> tuple[Prediction, ...]:
    """Answers to the frames at `index`. Leaves the network in the mode it was in."""
    functions, was_training = functions_for(frames.spec), network.training
    answers: list[Prediction] = []
    for start in range(0, len(index), BATCH):
        answers += functions.predict(network, frames.batch(index[start : start + BATCH], device))
    network.train(was_training)
    return tuple(answers)


def counts(answers: Sequence[Prediction], truths: Sequence[Truth]) -> np.ndarray:
    """(n, 2): twice the true positives, and false positives plus false negatives, per frame (as metrics.accuracy)."""
    scores = [frame_score(answer, truth) for answer, truth in zip(answers, truths, strict=True)]
    rows = [(2 * score.true_positives, score.false_positives + score.false_negatives) for score in scores]
    return np.array(rows, dtype=np.float64).reshape(-1, 2)


def _accuracy(weights: np.ndarray, frame_counts: np.ndarray) -> np.ndarray:
    """metrics.accuracy for every row of `weights` (R, n): how often each frame counts."""
    sums = weights @ frame_counts
    total = sums.sum(axis=1)
    return np.asarray(np.divide(sums[:, 0], total, out=np.ones_like(total), where=total > 0))
