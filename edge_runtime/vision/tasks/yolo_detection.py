"""Detectors that answer with YoloScales: decoding, the paper's loss, distillation grid by grid.

Redmon and Farhadi, YOLOv3, 2018. Classes are independent logistic answers, so one object may be of several.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from edge_runtime.vision.architectures.yolov3 import YoloScale
from edge_runtime.vision.detections import MINIMUM_SCORE, worth_keeping
from edge_runtime.vision.spec import Detections, Prediction, Truth
from edge_runtime.vision.tasks.detection import DetectionTruths
from edge_runtime.vision.tasks.interface import Teaching, eval_mode, train_mode
from edge_runtime.vision.tasks.yolo_targets import YoloTargets, yolo_targets
from edge_runtime.vision.torchvision_ops import torchvision

_OVERLAP = 0.45  # of two detections of one class, from which on the less likely goes: the authors' own
_CANDIDATES = 1000  # per picture into suppression, whose time grows with their square
_CENTER, _SIZE, _OBJECTNESS, _CLASSES = slice(0, 2), slice(2, 4), 4, slice(5, None)
_TEACHING_DTYPE = torch.float16  # an answer has 15 times as many numbers as its picture has cells; half the memory


class YoloDetectionFunctions(DetectionTruths):
    def predict(self, module: nn.Module, batch: Tensor) -> list[Prediction]:
        with torch.inference_mode():
            parts = [_decode(scale) for scale in eval_mode(module)(batch)]
            boxes, scores = (torch.cat(part, dim=1) for part in zip(*parts, strict=True))
            return [_detections(*picture) for picture in zip(boxes, scores, strict=True)]

    def teach(self, module: nn.Module, batch: Tensor) -> Teaching:
        with torch.no_grad():
            scales = eval_mode(module)(batch)
            return Teaching(tensors=tuple(_activated(scale.raw).to(_TEACHING_DTYPE) for scale in scales))

    def loss(
        self, module: nn.Module, batch: Tensor, *, truths: Sequence[Truth | None], teaching: Teaching | None
    ) -> Tensor:
        scales = [YoloScale(*scale) for scale in train_mode(module)(batch)]
        total: Tensor = torch.stack([scale.raw.float().sum() for scale in scales]).sum() * 0.0
        known = [index for index, truth in enumerate(truths) if truth is not None]
        if known:
            labelled = [scale._replace(raw=scale.raw[known].float()) for scale in scales]
            total = total + _label_loss(labelled, yolo_targets([truths[index] for index in known], labelled))
        if teaching is not None:
            total = total + _distillation([scale.raw.float() for scale in scales], teaching.tensors)
        return total


def _decode(scale: YoloScale) -> tuple[Tensor, Tensor]:
    """Boxes (N, P, 4) as fractions and scores (N, P, classes) of all P anchors of all cells; figure 2 of the paper."""
    raw = scale.raw.float().permute(0, 1, 3, 4, 2)  # (N, A, h, w, numbers)
    height, width = raw.shape[2:4]
    rows, columns = torch.meshgrid(
        torch.arange(height, device=raw.device), torch.arange(width, device=raw.device), indexing="ij"
    )
    cells = raw.new_tensor([width, height])
    center = (raw[..., _CENTER].sigmoid() + torch.stack([columns, rows], dim=-1)) / cells
    anchors = raw.new_tensor(scale.anchors)[:, None, None] / (cells * scale.stride)
    half = raw[..., _SIZE].exp() * anchors / 2
    boxes = torch.cat([center - half, center + half], dim=-1).clamp(0, 1)
    scores = raw[..., _OBJECTNESS, None].sigmoid() * raw[..., _CLASSES].sigmoid()
    return boxes.flatten(1, 3), scores.flatten(1, 3)


def _detections(boxes: Tensor, scores: Tensor) -> Detections:
    """Of one picture: boxes (P, 4), scores (P, classes)."""
    places, labels = (scores >= MINIMUM_SCORE).nonzero(as_tuple=True)
    likely = scores[places, labels].topk(min(_CANDIDATES, len(places))).indices
    places, labels = places[likely], labels[likely]
    found, likelihood = boxes[places], scores[places, labels]
    kept = torchvision.ops.batched_nms(found, likelihood, labels, _OVERLAP)
    return worth_keeping(Detections(*(part[kept].cpu().numpy() for part in (found, labels, likelihood))))


def _label_loss(scales: Sequence[YoloScale], targets: Sequence[YoloTargets]) -> Tensor:
    """Summed, then divided by the objects, or by the pictures where those are more."""
    objects = max(sum(len(target.label) for target in targets), len(scales[0].raw))
    return torch.stack([_scale_loss(*pair) for pair in zip(scales, targets, strict=True)]).sum() / objects


def _scale_loss(scale: YoloScale, target: YoloTargets) -> Tensor:
    """Cross-entropy of objectness, classes and centre, and half the squared error of the size.

    For all of them the gradient is the answer less the truth, as the paper asks for.
    """
    objectness = functional.binary_cross_entropy_with_logits(
        scale.raw[:, :, _OBJECTNESS], target.is_object.float(), weight=(~target.is_ignored).float(), reduction="sum"
    )
    picture, anchor, row, column = target.place
    answered = scale.raw[picture, anchor, :, row, column]
    labels = functional.one_hot(target.label, answered.shape[1] - _CLASSES.start).to(answered.dtype)
    center = functional.binary_cross_entropy_with_logits(answered[:, _CENTER], target.center, reduction="sum")
    size = functional.mse_loss(answered[:, _SIZE], target.size, reduction="sum") / 2
    classes = functional.binary_cross_entropy_with_logits(answered[:, _CLASSES], labels, reduction="sum")
    return objectness + center + size + classes


def _activated(raw: Tensor) -> Tensor:
    """(N, A, numbers, h, w) with all but the sizes as probabilities."""
    answer = raw.float().sigmoid()
    answer[:, :, _SIZE] = raw[:, :, _SIZE].float()
    return answer


def _distillation(raws: Sequence[Tensor], teachers: Sequence[Tensor]) -> Tensor:
    """Objectness and classes: quality focal loss (Li et al., 2020, beta 2), whose minimum is the teacher's answer.

    Centre and size: squared error. All but objectness count where the teacher sees an object, by how sure it is.
    """
    total, objects = raws[0].new_zeros(()), raws[0].new_zeros(())
    for raw, half in zip(raws, teachers, strict=True):
        teacher = half.float()
        sureness = teacher[:, :, _OBJECTNESS]
        weight = sureness * (sureness > 0.1)
        center = (raw[:, :, _CENTER].sigmoid() - teacher[:, :, _CENTER]).square().sum(dim=2)
        size = (raw[:, :, _SIZE] - teacher[:, :, _SIZE]).square().sum(dim=2)
        classes = _quality_focal(raw[:, :, _CLASSES], teacher[:, :, _CLASSES]).sum(dim=2)
        total = (
            total + _quality_focal(raw[:, :, _OBJECTNESS], sureness).sum() + (weight * (center + size + classes)).sum()
        )
        objects = objects + weight.sum()
    return total / objects.clamp(min=1)


def _quality_focal(logits: Tensor, teacher: Tensor) -> Tensor:
    entropy = functional.binary_cross_entropy_with_logits(logits, teacher, reduction="none")
    return (logits.sigmoid() - teacher).square() * entropy
