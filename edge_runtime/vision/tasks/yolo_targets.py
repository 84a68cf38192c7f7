"""Which anchors of YOLOv3 are responsible for which true boxes, and what they should have answered.

Redmon and Farhadi, 2018, sections 2.1 and 2.2: the one anchor whose shape overlaps an object most, over all grids, in
the cell of the object's centre, is responsible for it. Others whose place overlaps an object by more than 0.5 answer
for nothing; the rest should find nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from edge_runtime.vision.architectures.yolov3 import YoloScale
from edge_runtime.vision.detections import box_iou
from edge_runtime.vision.spec import BoxTruth, Truth

_IGNORED_OVERLAP = 0.5
_MINIMUM_SIDE = 1.0  # pixels of the input: the logarithm of less is no number to learn


@dataclass(frozen=True)
class YoloTargets:
    """Of one YoloScale (N, A, ..., h, w).

    `is_object`, `is_ignored`: (N, A, h, w) bool, never both. Per object: `place`, four (K,) indices into those;
    `center` (K, 2) x before y inside the cell, 0..1; `size` (K, 2), logarithm of width and height over the anchor's;
    `label` (K,).
    """

    is_object: Tensor
    is_ignored: Tensor
    place: tuple[Tensor, Tensor, Tensor, Tensor]
    center: Tensor
    size: Tensor
    label: Tensor


def yolo_targets(truths: Sequence[Truth | None], scales: Sequence[YoloScale]) -> list[YoloTargets]:
    """Targets of N pictures, one entry per scale. Where two objects claim one anchor of one cell, the later has it."""
    width, height = (side * scales[0].stride for side in reversed(scales[0].raw.shape[-2:]))
    pixels = [_usable(truth, width, height) for truth in truths]
    anchors = np.array([anchor for scale in scales for anchor in scale.anchors])
    best = [_shape_overlaps(boxes, anchors).argmax(axis=1) for boxes, _ in pixels]
    first, found = 0, []
    for scale in scales:
        found.append(_of_scale(scale, pixels, [index - first for index in best]))
        first += len(scale.anchors)
    return found


def _usable(truth: Truth | None, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Boxes (T, 4) in pixels and labels (T,) of `truth`."""
    assert isinstance(truth, BoxTruth)
    boxes = truth.boxes.astype(np.float64) * [width, height, width, height]
    usable = ((boxes[:, 2:] - boxes[:, :2]) >= _MINIMUM_SIDE).all(axis=1)
    return boxes[usable], truth.labels[usable]


def _shape_overlaps(boxes: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """(T, A) intersection over union of boxes (T, 4) and anchors (A, 2) laid on one centre."""
    shapes = np.concatenate([np.zeros((len(boxes), 2)), boxes[:, 2:] - boxes[:, :2]], axis=1)
    return box_iou(shapes, np.concatenate([np.zeros((len(anchors), 2)), anchors], axis=1))


def _of_scale(
    scale: YoloScale, pixels: Sequence[tuple[np.ndarray, np.ndarray]], best: Sequence[np.ndarray]
) -> YoloTargets:
    """`best`: for each picture the anchor of each object, counted from this scale's first one; (T,)."""
    grid = (len(scale.anchors), *scale.raw.shape[-2:])
    is_ignored = np.zeros((len(pixels), *grid), dtype=bool)
    objects: dict[tuple[int, int, int, int], tuple[float, ...]] = {}
    for picture, ((boxes, labels), anchor_of) in enumerate(zip(pixels, best, strict=True)):
        if len(boxes):
            overlaps = box_iou(_priors(scale), boxes).max(axis=1)
            is_ignored[picture] = (overlaps > _IGNORED_OVERLAP).reshape(grid)
        for box, label, anchor in zip(boxes, labels, anchor_of, strict=True):
            if 0 <= anchor < len(scale.anchors):
                row, column, values = _answer(scale, box, int(anchor))
                objects[picture, int(anchor), row, column] = (*values, float(label))
    places = np.array(list(objects), dtype=np.int64).reshape(-1, 4).T
    is_object = np.zeros_like(is_ignored)
    is_object[tuple(places)] = True
    device = scale.raw.device
    numbers = torch.tensor(list(objects.values()), dtype=torch.float32, device=device).reshape(-1, 5)
    return YoloTargets(
        torch.from_numpy(is_object).to(device),
        torch.from_numpy(is_ignored & ~is_object).to(device),
        tuple(torch.from_numpy(index).to(device) for index in places),  # type: ignore[arg-type]
        numbers[:, :2],
        numbers[:, 2:4],
        numbers[:, 4].long(),
    )


def _priors(scale: YoloScale) -> np.ndarray:
    """Every anchor in the middle of every cell, (A * h * w, 4) xyxy pixels."""
    height, width = scale.raw.shape[-2:]
    rows, columns = np.mgrid[:height, :width]
    middles = np.stack([columns, rows], axis=-1)[None] * scale.stride + scale.stride / 2
    halves = np.array(scale.anchors)[:, None, None] / 2
    return np.concatenate([middles - halves, middles + halves], axis=-1).reshape(-1, 4)


def _answer(scale: YoloScale, box: np.ndarray, anchor: int) -> tuple[int, int, tuple[float, ...]]:
    """Row, column, and (x, y, width, height) as YoloTargets has them, of one object."""
    height, width = scale.raw.shape[-2:]
    x, y = (box[:2] + box[2:]) / 2 / scale.stride
    column, row = min(int(x), width - 1), min(int(y), height - 1)
    across, down = np.log((box[2:] - box[:2]) / scale.anchors[anchor])
    return row, column, (x - column, y - row, across, down)
