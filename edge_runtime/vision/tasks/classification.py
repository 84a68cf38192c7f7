"""Classifiers: logits (N, classes) in, the likeliest class out."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from edge_runtime.protocol.messages import FrameObject
from edge_runtime.vision.spec import Classification, LabelTruth, ModelSpec, Prediction, Truth
from edge_runtime.vision.tasks.interface import Teaching, eval_mode, train_mode

TEMPERATURE = 2.0  # Hinton et al., 2015; T * T below keeps the gradient's size independent of it


class ClassificationFunctions:
    def predict(self, module: nn.Module, batch: Tensor) -> list[Prediction]:
        with torch.inference_mode():
            probabilities = eval_mode(module)(batch).float().softmax(dim=1).cpu().numpy()
        return [Classification(int(row.argmax()), row) for row in probabilities]

    def teach(self, module: nn.Module, batch: Tensor) -> Teaching:
        with torch.no_grad():
            return Teaching(tensors=(eval_mode(module)(batch).detach(),))

    def loss(
        self, module: nn.Module, batch: Tensor, *, truths: Sequence[Truth | None], teaching: Teaching | None
    ) -> Tensor:
        logits = train_mode(module)(batch)
        labels = torch.tensor([_label(truth) for truth in truths], device=logits.device)
        total: Tensor = logits.sum() * 0.0
        if (labels >= 0).any():
            total = total + functional.cross_entropy(logits, labels, ignore_index=-1)
        if teaching is not None:
            total = total + _distillation(logits, teaching.tensors[0])
        return total

    def truth_of(
        self, objects: Sequence[FrameObject] | None, tags: Sequence[str] | None, spec: ModelSpec
    ) -> Truth | None:
        """The one tag that is a class; None with no such tag, or with several."""
        labels = {spec.classes.index(tag) for tag in tags or () if tag in spec.classes}
        return LabelTruth(labels.pop()) if len(labels) == 1 else None

    def agreement_truth(self, prediction: Prediction) -> Truth:
        assert isinstance(prediction, Classification)
        return LabelTruth(prediction.label)

    def counts(self, prediction: Prediction, spec: ModelSpec, objects: Sequence[str]) -> dict[str, float]:
        assert isinstance(prediction, Classification)
        answer = spec.classes[prediction.label]
        return {name: float(name == answer) for name in objects}


def _label(truth: Truth | None) -> int:
    assert truth is None or isinstance(truth, LabelTruth)
    return -1 if truth is None else truth.label


def _distillation(logits: Tensor, teacher: Tensor) -> Tensor:
    student = functional.log_softmax(logits / TEMPERATURE, dim=1)
    target = functional.log_softmax(teacher / TEMPERATURE, dim=1)
    return functional.kl_div(student, target, reduction="batchmean", log_target=True) * TEMPERATURE**2
