"""What every kind of network can be asked for, whatever its output looks like."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from edge_runtime.protocol.messages import FrameObject
from edge_runtime.vision.spec import ModelSpec, Prediction, Truth


@dataclass(frozen=True)
class Teaching:
    """The original's outputs on a batch of N pictures, for distillation: detached, and independent of one another.

    `tensors`: each (N, ...), logits or maps, empty for networks that are taught by `truths`: N predictions taken as
    true. May be kept for later batches: pick pictures by `chosen`, put them together by `gathered`.
    """

    tensors: tuple[Tensor, ...] = ()
    truths: tuple[Truth, ...] = ()

    def chosen(self, index: Sequence[int]) -> "Teaching":
        """The pictures at `index`, in that order."""
        return Teaching(
            tuple(tensor[list(index)] for tensor in self.tensors),
            tuple(self.truths[picture] for picture in index) if self.truths else (),
        )

    @staticmethod
    def gathered(parts: "Sequence[Teaching]") -> "Teaching":
        """One teaching of all pictures of `parts` (at least one part), which come from one network."""
        columns = zip(*(part.tensors for part in parts), strict=True)
        truths = tuple(truth for part in parts for truth in part.truths)
        return Teaching(tuple(torch.cat(column) for column in columns), truths)


class TaskFunctions(Protocol):
    """Stateless. A batch is (N, 3, H, W) float32 on the module's device, as preprocessing makes it.

    `predict` and `teach` put the module in eval mode and build no graph; `loss` puts it in train mode.
    """

    def predict(self, module: nn.Module, batch: Tensor) -> list[Prediction]:
        """N answers. Detections hold unlikely ones too (detections.confident picks), for mAP."""

    def teach(self, module: nn.Module, batch: Tensor) -> Teaching:
        """What `module`, an original, teaches others about `batch`."""

    def loss(
        self, module: nn.Module, batch: Tensor, *, truths: Sequence[Truth | None], teaching: Teaching | None
    ) -> Tensor:
        """Scalar to minimise: of the labels where `truths` has one, plus of `teaching` where given.

        With neither it is 0 and has no gradient worth having.
        """

    def truth_of(
        self, objects: Sequence[FrameObject] | None, tags: Sequence[str] | None, spec: ModelSpec
    ) -> Truth | None:
        """What a network of `spec` should answer to a frame labelled so; None where the labels do not say."""

    def agreement_truth(self, prediction: Prediction) -> Truth:
        """`prediction`, of an original, taken as true: what a merged model is compared with for agreement."""

    def counts(self, prediction: Prediction, spec: ModelSpec, objects: Sequence[str]) -> dict[str, float]:
        """How many of each of `objects` (names of classes) the frame shows; every one of `objects` is a key.

        Classification: 1.0 for the answered class.
        """


def eval_mode(module: nn.Module) -> nn.Module:
    """Walks the modules only when needed: on the box this runs for every frame."""
    return module.eval() if module.training else module


def train_mode(module: nn.Module) -> nn.Module:
    return module if module.training else module.train()
