"""Image classifiers of torchvision, by torchvision's names and with its state-dict names."""

from functools import partial
from typing import Any

from torch import nn

from edge_runtime.vision.architectures.architecture import Architecture, Head
from edge_runtime.vision.spec import ModelSpec
from edge_runtime.vision.torchvision_ops import torchvision

_PLAIN = (
    "alexnet",
    "densenet121",
    "efficientnet_b0",
    "efficientnet_b1",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "mobilenet_v3_small",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "shufflenet_v2_x1_0",
    "squeezenet1_0",
    "squeezenet1_1",
    "vgg11",
    "vgg13",
    "vgg16",
    "vgg16_bn",
    "vgg19",
    "wide_resnet50_2",
)
_WITH_AUXILIARY = {"googlenet": ("aux1.", "aux2."), "inception_v3": ("AuxLogits.",)}


def _construct(spec: ModelSpec, **options: Any) -> nn.Module:
    module: nn.Module = torchvision.models.get_model(
        spec.architecture, weights=None, num_classes=len(spec.classes), **options
    )
    return module


ARCHITECTURES = (
    *(Architecture(name, Head.LOGITS, _construct) for name in _PLAIN),
    *(
        Architecture(
            name, Head.LOGITS, partial(_construct, aux_logits=False, init_weights=True), training_only=auxiliary
        )
        for name, auxiliary in _WITH_AUXILIARY.items()
    ),
)
