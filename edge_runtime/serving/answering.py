"""One model answering pictures, and the failures of one model that must not become those of its neighbours."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from edge_runtime.protocol.errors import GemelError
from edge_runtime.scheduling.admission import model_words
from edge_runtime.serving.skeleton import Skeleton
from edge_runtime.vision.preprocessing import preprocess, stack
from edge_runtime.vision.spec import Classification, ModelSpec, Prediction
from edge_runtime.vision.tasks import TaskFunctions

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0


class AnswerNotFinite(GemelError):
    code = "answer_not_finite"


def batch_of(images: Sequence[np.ndarray], spec: ModelSpec, device: torch.device) -> torch.Tensor:
    """(N, 3, h, w) float32 on `device` from N pictures (H, W, 3) uint8 RGB."""
    return stack([preprocess(image, spec) for image in images]).to(device)


def answer(
    skeleton: Skeleton, functions: TaskFunctions, images: Sequence[np.ndarray], device: torch.device
) -> list[Prediction]:
    """One prediction per picture. Raises AnswerNotFinite, and whatever the network raises."""
    predictions = functions.predict(skeleton.module, batch_of(images, skeleton.spec, device))
    if not all(is_finite(prediction) for prediction in predictions):
        raise AnswerNotFinite("The model answers with values that are no numbers; its weights are damaged.")
    return predictions


def is_finite(prediction: Prediction) -> bool:
    if isinstance(prediction, Classification):
        return bool(np.isfinite(prediction.probabilities).all())
    return bool(np.isfinite(prediction.boxes).all() and np.isfinite(prediction.scores).all())


@dataclass
class _Fault:
    failures: int
    paused_until: float
    sentence: str


@dataclass
class Faults:
    """Which slots fail, and until when each is left alone: the pause doubles with every failure in a row."""

    _faults: dict[str, _Fault] = field(default_factory=dict)

    def failed(self, slot: str, now: float, sentence: str) -> None:
        failures = self._faults[slot].failures + 1 if slot in self._faults else 1
        pause_s = min(_FIRST_PAUSE_S * 2 ** (failures - 1), _LONGEST_PAUSE_S)
        self._faults[slot] = _Fault(failures, now + pause_s, sentence)

    def succeeded(self, slot: str) -> None:
        self._faults.pop(slot, None)

    def is_paused(self, slot: str, now: float) -> bool:
        fault = self._faults.get(slot)
        return fault is not None and now < fault.paused_until

    def sentences(self) -> dict[str, str]:
        """By slot. A copy: safe to read from another thread."""
        return {slot: fault.sentence for slot, fault in dict(self._faults).items()}


def fault_sentence(slot: str, queries: Sequence[str], error: Exception) -> str:
    """`queries`: names of those that the slot answers."""
    reason = str(error) if isinstance(error, GemelError) else f"{type(error).__name__}: {error}"
    model = model_words(slot, queries)
    what = f"{model[0].upper()}{model[1:]} fails, and its frames are lost until it answers again"
    return f"{what}; the other models run on. {reason}"
