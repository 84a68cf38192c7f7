"""The one list of architectures. To add one: write its entry in a file of this package, and gather it here."""

import torch
from torch import nn

from edge_runtime.protocol.errors import GemelError
from edge_runtime.vision.architectures import (
    centernet,
    faster_rcnn,
    resnet18_w24,
    torchvision_classifiers,
    torchvision_detectors,
    yolov3,
)
from edge_runtime.vision.architectures.architecture import Architecture
from edge_runtime.vision.architectures.input_sizes import InputSizeUnsupported
from edge_runtime.vision.architectures.skeletons import on_device
from edge_runtime.vision.spec import ModelSpec, Task

_ENTRIES: dict[str, Architecture] = {
    entry.name: entry
    for family in (resnet18_w24, centernet, yolov3, torchvision_classifiers, torchvision_detectors, faster_rcnn)
    for entry in family.ARCHITECTURES
}


class UnknownArchitecture(GemelError):
    code = "unknown_architecture"

    def __init__(self, name: str) -> None:
        super().__init__(f'There is no architecture "{name}". Choose one of: {", ".join(architecture_names())}.')
        self.name = name


def architecture_names() -> tuple[str, ...]:
    return tuple(sorted(_ENTRIES))


def architecture(name: str) -> Architecture:
    """Raises UnknownArchitecture."""
    if name not in _ENTRIES:
        raise UnknownArchitecture(name)
    return _ENTRIES[name]


def task_of(name: str) -> Task:
    """Raises UnknownArchitecture."""
    return architecture(name).task


def build(spec: ModelSpec, device: str | torch.device = "cpu") -> nn.Module:
    """The network of `spec` with random weights (of torch's global generator), in eval mode, on `device`.

    On "meta" it is a skeleton without memory. Takes a batch (N, 3, H, W) as made by preprocessing.
    Raises UnknownArchitecture, InputSizeUnsupported.
    """
    entry = architecture(spec.architecture)
    if entry.input_sizes.nearest(spec.input_size) != spec.input_size:
        raise InputSizeUnsupported(spec.architecture, spec.input_size, entry.input_sizes)
    with on_device(device):
        return entry.construct(spec).eval()
