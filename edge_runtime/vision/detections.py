"""Which detections count, and how boxes overlap: the figures that predictions, truths and metrics share."""

import numpy as np

from edge_runtime.vision.spec import BoxTruth, Detections

MINIMUM_SCORE = 0.05  # predict() drops what is less likely: mAP gains nothing from it, and it costs memory
SCORE_THRESHOLD = 0.3  # from here on a detection is an answer: counted, drawn, scored by F1, taken as truth
MAXIMUM_DETECTIONS = 100


def confident(detections: Detections, threshold: float = SCORE_THRESHOLD) -> Detections:
    """Those of `detections` that are answers."""
    return _chosen(detections, detections.scores >= threshold)


def worth_keeping(detections: Detections) -> Detections:
    """At most MAXIMUM_DETECTIONS with MINIMUM_SCORE or more, best first."""
    ordered = best_first(detections)
    return _chosen(ordered, np.flatnonzero(ordered.scores >= MINIMUM_SCORE)[:MAXIMUM_DETECTIONS])


def best_first(detections: Detections) -> Detections:
    return _chosen(detections, np.argsort(-detections.scores, kind="stable"))


def _chosen(detections: Detections, index: np.ndarray) -> Detections:
    return Detections(detections.boxes[index], detections.labels[index], detections.scores[index])


def as_truth(detections: Detections) -> BoxTruth:
    """What `detections` answers, taken as true."""
    answers = confident(detections)
    return BoxTruth(answers.boxes, answers.labels)


def box_iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(N, M) intersection over union of (N, 4) and (M, 4) xyxy boxes of one unit; 0 where both are empty."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    intersection = np.clip(high - low, 0, None).prod(axis=2)
    areas = [(boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1][None] - intersection
    ratio: np.ndarray = intersection / np.maximum(union, 1e-12)
    return ratio
