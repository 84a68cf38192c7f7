"""The words that the vision package and its users share: what a network is, what it answers, what is true."""

import enum
from dataclasses import dataclass

import numpy as np

from edge_runtime.protocol.messages import FrameObject


class Task(enum.StrEnum):
    CLASSIFICATION = "classification"
    DETECTION = "detection"


@dataclass(frozen=True)
class ModelSpec:
    """Everything needed to build a network except its weights. `input_size` is (height, width) in pixels."""

    architecture: str
    classes: tuple[str, ...]
    input_size: tuple[int, int]


@dataclass(frozen=True)
class Frame:
    """One picture of one camera.

    `image`: (H, W, 3) uint8 RGB, not to be written to. `captured_at`: monotonic seconds. `at`: Unix seconds.
    `objects` and `tags` hold ground truth where the source knows it (a rendered scene), else None.
    `stream` counts how often the camera's source was opened: what was seen in another stream is not seen on.
    """

    camera: str
    index: int
    image: np.ndarray
    captured_at: float
    at: float
    objects: tuple[FrameObject, ...] | None = None
    tags: tuple[str, ...] | None = None
    stream: int = 0


@dataclass(frozen=True)
class Classification:
    """`label` indexes ModelSpec.classes; `probabilities`: (C,) float32, sums to 1."""

    label: int
    probabilities: np.ndarray


@dataclass(frozen=True)
class Detections:
    """Objects found, best first. `boxes`: (N, 4) float32, xyxy, fractions of the frame 0..1.

    `labels`: (N,) int64, index into ModelSpec.classes. `scores`: (N,) float32 in 0..1.
    """

    boxes: np.ndarray
    labels: np.ndarray
    scores: np.ndarray


@dataclass(frozen=True)
class LabelTruth:
    """The true class of a frame."""

    label: int


@dataclass(frozen=True)
class BoxTruth:
    """The true objects of a frame: `boxes` (N, 4) float32 xyxy fractions, `labels` (N,) int64."""

    boxes: np.ndarray
    labels: np.ndarray


Prediction = Classification | Detections
Truth = LabelTruth | BoxTruth
