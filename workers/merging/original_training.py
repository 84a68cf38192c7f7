"""Trains one network on labelled frames: how an original comes about. Merging is not its business.

AdamW with one cycle of the learning rate. What is kept is the running average of the weights, with normalisation
statistics measured on it, at the evaluation where it was best on validation frames.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from edge_runtime.vision.spec import BoxTruth, Truth
from edge_runtime.vision.tasks import functions_for
from workers.merging.evaluation import original_accuracy, reference
from workers.merging.frames import MEMORY_LAYOUT, FrameSet
from workers.merging.normalisation import reestimate_normalisation
from workers.merging.queries import ShuffledBatches
from workers.merging.shipped import RunningAverage, as_shipped, snapshot
from workers.merging.training import TrainingDiverged, learning_rate

STEPS_BEFORE_FORECAST = 5


@dataclass(frozen=True)
class TrainingPlan:
    """`evaluations`: how often the network is measured on validation frames, evenly spread; the last is at the end.

    `is_mirrored`: half of the frames are mirrored left to right. With `time_limit_s` the cycle is shortened to fit.
    """

    steps: int
    batch: int
    peak_rate: float
    is_mirrored: bool = True
    weight_decay: float = 1e-2
    gradient_norm: float = 10.0
    average_decay: float = 0.98
    evaluations: int = 8
    time_limit_s: float | None = None


@dataclass(frozen=True)
class StepTaken:
    """`accuracy`: the best on validation frames so far, 0..1."""

    step: int
    planned: int
    loss: float
    accuracy: float


def train_on_labels(
    network: nn.Module,
    train: FrameSet,
    validation: FrameSet,
    plan: TrainingPlan,
    *,
    seed: int,
    device: torch.device,
    observe: Callable[[StepTaken], None] = lambda step: None,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Leaves the best weights in `network`, in eval mode on `device`; gives the steps taken.

    `observe` is called after every step and may raise to stop. Raises TrainingDiverged when the loss is no number.
    """
    network.to(device, memory_format=MEMORY_LAYOUT).requires_grad_(True)  # type: ignore[call-overload]
    batches = LabelledBatches(train, plan.batch, is_mirrored=plan.is_mirrored, seed=seed, device=device)
    optimiser = torch.optim.AdamW(network.parameters(), lr=plan.peak_rate, weight_decay=plan.weight_decay)
    average, best = RunningAverage(plan.average_decay), _Best(network, train, validation, device)
    functions = functions_for(train.spec)
    step, planned, started_at = 0, plan.steps, clock()
    while step < planned:
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, planned, plan.peak_rate)
        inputs, truths = next(batches)
        optimiser.zero_grad(set_to_none=True)
        loss = functions.loss(network, inputs, truths=truths, teaching=None)
        if not math.isfinite(float(loss.detach())):
            raise TrainingDiverged("Training diverged: its loss is no number any more.")
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), plan.gradient_norm)
        optimiser.step()
        average.update({"": network})
        step += 1
        planned = _affordable(plan, step, clock() - started_at)
        if step >= planned or step % math.ceil(plan.steps / plan.evaluations) == 0:
            best.consider(average)
        observe(StepTaken(step, planned, float(loss.detach()), best.accuracy))
    best.restore()
    return step


def _affordable(plan: TrainingPlan, step: int, seconds: float) -> int:
    """How many steps in all fit into the time limit, by the speed so far; evaluations included."""
    if plan.time_limit_s is None or step < STEPS_BEFORE_FORECAST:
        return plan.steps
    left_s = max(0.0, plan.time_limit_s - seconds)
    return min(plan.steps, step + int(left_s * step / max(seconds, 1e-6)))


class LabelledBatches(Iterator[tuple[torch.Tensor, list[Truth]]]):
    """Endless (inputs, truths) of the frames that have a label; half of them mirrored where that is allowed."""

    def __init__(
        self, frames: FrameSet, size: int, *, is_mirrored: bool, seed: int, device: torch.device = torch.device("cpu")
    ) -> None:
        self._frames, self._is_mirrored, self._device = frames, is_mirrored, device
        self._labelled = [number for number, truth in enumerate(frames.truths) if truth is not None]
        self._order = ShuffledBatches(len(self._labelled), size, np.random.default_rng([seed, 0]))
        self._coin = np.random.default_rng([seed, 1])

    def __next__(self) -> tuple[torch.Tensor, list[Truth]]:
        index = [self._labelled[number] for number in next(self._order)]
        inputs = self._frames.batch(index, self._device)
        truths = [truth for number in index if (truth := self._frames.truths[number]) is not None]
        if self._is_mirrored:
            chosen = np.flatnonzero(self._coin.random(len(index)) < 0.5).tolist()
            inputs[chosen] = inputs[chosen].flip(-1)
            for number in chosen:
                truths[number] = mirrored(truths[number])
        return inputs, truths


def mirrored(truth: Truth) -> Truth:
    """What is true of the frame mirrored left to right."""
    if not isinstance(truth, BoxTruth):
        return truth
    left, top, right, bottom = truth.boxes.T
    return BoxTruth(np.stack([1 - right, top, 1 - left, bottom], axis=1), truth.labels)


class _Best:
    """The weights that were best on validation frames so far; of equals the later, which saw more."""

    def __init__(self, network: nn.Module, train: FrameSet, validation: FrameSet, device: torch.device) -> None:
        self._network, self._train, self._validation, self._device = network, train, validation, device
        self._kept: dict[str, torch.Tensor] = {}
        self.accuracy = 0.0

    def consider(self, average: RunningAverage) -> None:
        networks = {"": self._network}
        with as_shipped(networks, average=average, rounding=None, normalise=self._normalise):
            accuracy = original_accuracy(reference(self._network, self._validation, self._device))
            if accuracy >= self.accuracy:
                self.accuracy, self._kept = accuracy, snapshot(self._network)

    def _normalise(self) -> None:
        reestimate_normalisation(self._network, self._train, self._device)

    def restore(self) -> None:
        self._network.load_state_dict(self._kept)
        self._network.eval()
