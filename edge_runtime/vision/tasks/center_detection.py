"""Detectors that answer with CenterMaps: decoding, focal and L1 losses, distillation map by map.

Zhou et al., Objects as Points, 2019.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from edge_runtime.vision.architectures.centernet import CenterMaps
from edge_runtime.vision.detections import worth_keeping
from edge_runtime.vision.spec import Detections, Prediction, Truth
from edge_runtime.vision.tasks.center_targets import CenterTargets, center_targets
from edge_runtime.vision.tasks.detection import DetectionTruths
from edge_runtime.vision.tasks.interface import Teaching, eval_mode, train_mode

_PEAKS = 50  # objects per picture at most
_SIZE_WEIGHT = 0.1  # of the paper: sizes are in cells, an order larger than offsets


class CenterDetectionFunctions(DetectionTruths):
    def predict(self, module: nn.Module, batch: Tensor) -> list[Prediction]:
        with torch.inference_mode():
            boxes, labels, scores = (part.cpu().numpy() for part in _decode(eval_mode(module)(batch)))
        return [worth_keeping(Detections(*picture)) for picture in zip(boxes, labels, scores, strict=True)]

    def teach(self, module: nn.Module, batch: Tensor) -> Teaching:
        with torch.no_grad():
            heatmap, size, offset = eval_mode(module)(batch)
        return Teaching(tensors=(heatmap.sigmoid().detach(), size.detach(), offset.detach()))

    def loss(
        self, module: nn.Module, batch: Tensor, *, truths: Sequence[Truth | None], teaching: Teaching | None
    ) -> Tensor:
        maps = CenterMaps(*train_mode(module)(batch))
        total = maps.heatmap.sum() * 0.0
        known = [index for index, truth in enumerate(truths) if truth is not None]
        if known:
            labelled = CenterMaps(*(part[known] for part in maps))
            targets = center_targets([truths[index] for index in known], labelled.heatmap)
            total = total + _label_loss(labelled, targets)
        if teaching is not None:
            total = total + _distillation(maps, *teaching.tensors)
        return total


def _decode(maps: CenterMaps) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes (N, K, 4) as fractions, labels (N, K), scores (N, K) of the K highest peaks of each picture."""
    heatmap = maps.heatmap.float()
    height, width = heatmap.shape[-2:]
    is_peak = functional.max_pool2d(heatmap, 3, stride=1, padding=1) == heatmap
    flat = heatmap.masked_fill(~is_peak, float("-inf")).flatten(1)
    logits, index = flat.topk(min(_PEAKS, flat.shape[1]))
    labels, cell = index // (height * width), index % (height * width)
    size, offset = (_at_cells(part.float(), cell) for part in (maps.size, maps.offset))
    center = torch.stack([cell % width, cell // width], dim=-1) + offset
    scale = center.new_tensor([width, height])
    corners = torch.cat([(center - size / 2) / scale, (center + size / 2) / scale], dim=-1)
    return corners.clamp(0, 1), labels, logits.sigmoid()


def _at_cells(values: Tensor, cell: Tensor) -> Tensor:
    """(N, K, 2) values of (N, 2, h, w) at the cells (N, K)."""
    return values.flatten(2).gather(2, cell[:, None].expand(-1, 2, -1)).transpose(1, 2)


def _label_loss(maps: CenterMaps, targets: CenterTargets) -> Tensor:
    objects = max(len(targets.cell), 1)
    heat = _focal_loss(maps.heatmap, targets.heatmap) / objects
    at_objects = (targets.picture, slice(None), targets.cell // maps.size.shape[-1], targets.cell % maps.size.shape[-1])
    size = functional.l1_loss(maps.size[at_objects], targets.size, reduction="sum") / objects
    offset = functional.l1_loss(maps.offset[at_objects], targets.offset, reduction="sum") / objects
    return heat + _SIZE_WEIGHT * size + offset


def _focal_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Penalty-reduced focal loss, summed (Law & Deng, 2018, equation 1; alpha 2, beta 4)."""
    probability = logits.sigmoid()
    found = functional.logsigmoid(logits) * (1 - probability) ** 2
    empty = functional.logsigmoid(-logits) * probability**2 * (1 - target) ** 4
    return -torch.where(target == 1, found, empty).sum()


def _distillation(maps: CenterMaps, heat: Tensor, size: Tensor, offset: Tensor) -> Tensor:
    """Heat: quality focal loss (Li et al., 2020, beta 2), whose minimum is the teacher's own probability.

    Size and offset: L1 where the teacher sees an object, by how sure it is.
    """
    error = (maps.heatmap.sigmoid() - heat).square()
    entropy = functional.binary_cross_entropy_with_logits(maps.heatmap, heat, reduction="none")
    weight = heat.amax(dim=1, keepdim=True)
    weight = weight * (weight > 0.1)
    objects = weight.sum().clamp(min=1)
    boxes = _SIZE_WEIGHT * (maps.size - size).abs() + (maps.offset - offset).abs()
    return (error * entropy).sum() / objects + (weight * boxes).sum() / objects
