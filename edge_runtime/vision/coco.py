"""COCO's mean average precision, by its reference implementation. Apart from metrics: the box does without it."""

import contextlib
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from edge_runtime.vision.metrics import NothingToScore
from edge_runtime.vision.spec import BoxTruth, Detections


def coco_map(predictions: Sequence[Detections], truths: Sequence[BoxTruth], classes: Sequence[str]) -> float:
    """AP@[.5:.95] over all sizes, 0..1, mean over those of `classes` that some truth shows; frame by frame in order.

    Raises NothingToScore when no truth has an object: average precision is not defined then.
    """
    if not any(len(truth.labels) for truth in truths):
        raise NothingToScore("No frame shows an object, so there is no average precision; provide labelled frames.")
    objects = [
        _entry(frame, box, label) | {"iscrowd": 0}
        for frame, truth in enumerate(truths)
        for box, label in zip(truth.boxes, truth.labels, strict=True)
    ]
    for number, entry in enumerate(objects, start=1):  # pycocotools takes id 0 for "not matched"
        entry["id"] = number
    found = [
        _entry(frame, box, label) | {"score": float(score)}
        for frame, detections in enumerate(predictions)
        for box, label, score in zip(detections.boxes, detections.labels, detections.scores, strict=True)
    ]
    return _mean_precision(objects, found, frames=len(truths), classes=classes) if found else 0.0


def _entry(frame: int, box: np.ndarray, label: int) -> dict[str, Any]:
    left, top, right, bottom = map(float, box)
    width, height = right - left, bottom - top
    return {
        "image_id": frame,
        "category_id": int(label),
        "bbox": [left, top, width, height],
        "area": width * height,
    }


def _mean_precision(objects: list[Any], found: list[Any], *, frames: int, classes: Sequence[str]) -> float:
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools reports its progress by print
        truth = COCO()
        truth.dataset = {
            "info": {},
            "images": [{"id": frame} for frame in range(frames)],
            "annotations": objects,
            "categories": [{"id": label, "name": name} for label, name in enumerate(classes)],
        }
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(found), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[0])
