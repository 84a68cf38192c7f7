"""What the registry knows of an architecture besides its name."""

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from edge_runtime.vision.architectures.input_sizes import InputSizes
from edge_runtime.vision.spec import ModelSpec, Task


class Head(enum.StrEnum):
    """The form of a network's output, hence which of edge_runtime.vision.tasks understands it."""

    LOGITS = "logits"
    CENTERS = "centers"
    YOLO = "yolo"
    TORCHVISION_DETECTIONS = "torchvision detections"


@dataclass(frozen=True)
class Normalisation:
    """Per-channel RGB mean and deviation of pictures in 0..1; a network's input is (picture - mean) / deviation."""

    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]


IMAGENET = Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))

ANY_SIZE = InputSizes()

StateDict = Mapping[str, Tensor]


@dataclass(frozen=True)
class Backbone:
    """Published weights of another architecture that fit parts of this one.

    `places`: state-dict prefixes there and here; the first that a name starts with counts.
    """

    architecture: str
    places: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Architecture:
    """One entry of the registry.

    `construct` gives the network with random weights. `training_only` are prefixes of state-dict names of parts that
    published weights hold and inference does not (auxiliary classifiers). `backbone`: what torchvision publishes for
    a network that it does not publish whole. `from_published` makes published weights those of the spec's network.
    `usual_size`: the (height, width) that the network is published for, where it is. `size_of` reads the input size off
    weights that depend on it.
    """

    name: str
    head: Head
    construct: Callable[[ModelSpec], nn.Module]
    normalisation: Normalisation = IMAGENET
    training_only: tuple[str, ...] = ()
    input_sizes: InputSizes = ANY_SIZE
    backbone: Backbone | None = None
    from_published: Callable[[ModelSpec, StateDict], StateDict] = lambda spec, weights: weights
    usual_size: tuple[int, int] | None = None
    size_of: Callable[[StateDict], tuple[int, int] | None] = lambda weights: None

    @property
    def task(self) -> Task:
        return Task.CLASSIFICATION if self.head is Head.LOGITS else Task.DETECTION
