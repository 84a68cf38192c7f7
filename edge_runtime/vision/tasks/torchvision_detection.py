"""Detectors of torchvision: they bring their own loss and decoding. Labels are shifted by one for their background.

They are taught by the original's detections taken as truth, since their raw outputs differ from one to the next.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from edge_runtime.vision.detections import worth_keeping
from edge_runtime.vision.spec import BoxTruth, Detections, Prediction, Truth
from edge_runtime.vision.tasks.detection import DetectionTruths
from edge_runtime.vision.tasks.interface import Teaching, eval_mode, train_mode

_MINIMUM_SIDE = 1.0  # pixels of the input: torchvision refuses boxes without area


class TorchvisionDetectionFunctions(DetectionTruths):
    def predict(self, module: nn.Module, batch: Tensor) -> list[Prediction]:
        with torch.inference_mode():
            results = eval_mode(module)(batch)
        return [_detections(result, batch.shape[-2:]) for result in results]

    def teach(self, module: nn.Module, batch: Tensor) -> Teaching:
        predictions = self.predict(module, batch)
        return Teaching(truths=tuple(self.agreement_truth(prediction) for prediction in predictions))

    def loss(
        self, module: nn.Module, batch: Tensor, *, truths: Sequence[Truth | None], teaching: Teaching | None
    ) -> Tensor:
        """The network's own loss, on the labels, and for pictures without any on what the original found."""
        taught = teaching.truths if teaching is not None else (None,) * len(batch)
        best = [truth if truth is not None else other for truth, other in zip(truths, taught, strict=True)]
        known = [index for index, truth in enumerate(best) if truth is not None]
        if not known:
            return batch.new_zeros((), requires_grad=True)
        targets = [_target(best[index], batch) for index in known]
        losses: dict[str, Tensor] = train_mode(module)(batch[known], targets)
        return torch.stack(list(losses.values())).sum()


def _detections(result: dict[str, Tensor], input_size: Sequence[int]) -> Detections:
    height, width = input_size
    labels = result["labels"].cpu().numpy() - 1
    boxes = result["boxes"].float().cpu().numpy() / np.array([width, height, width, height], dtype=np.float32)
    real = labels >= 0
    scores = result["scores"].float().cpu().numpy()
    return worth_keeping(Detections(boxes.clip(0, 1)[real], labels[real], scores[real]))


def _target(truth: Any, batch: Tensor) -> dict[str, Tensor]:
    assert isinstance(truth, BoxTruth)
    height, width = batch.shape[-2:]
    boxes = truth.boxes * np.array([width, height, width, height], dtype=np.float32)
    usable = ((boxes[:, 2:] - boxes[:, :2]) >= _MINIMUM_SIDE).all(axis=1)
    return {
        "boxes": torch.as_tensor(boxes[usable], dtype=batch.dtype, device=batch.device),
        "labels": torch.as_tensor(truth.labels[usable] + 1, device=batch.device),
    }
