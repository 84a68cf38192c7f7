"""Detectors of torchvision, by torchvision's names and with its state-dict names.

Their class 0 is the background: label n of a ModelSpec is their n + 1 (edge_runtime.vision.tasks shifts). Pictures
come in normalised and at the spec's input size, so torchvision's own resizing and normalisation is taken out.
"""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from edge_runtime.vision.architectures.architecture import IMAGENET, Architecture, Head, Normalisation, StateDict
from edge_runtime.vision.spec import ModelSpec
from edge_runtime.vision.torchvision_ops import torchvision

_NORMALISATIONS = {
    "fasterrcnn_mobilenet_v3_large_320_fpn": IMAGENET,
    "fasterrcnn_mobilenet_v3_large_fpn": IMAGENET,
    "fasterrcnn_resnet50_fpn": IMAGENET,
    "fasterrcnn_resnet50_fpn_v2": IMAGENET,
    "fcos_resnet50_fpn": IMAGENET,
    "retinanet_resnet50_fpn": IMAGENET,
    "retinanet_resnet50_fpn_v2": IMAGENET,
    "ssd300_vgg16": Normalisation((0.48235, 0.45882, 0.40784), (1 / 255, 1 / 255, 1 / 255)),
    "ssdlite320_mobilenet_v3_large": Normalisation((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
}


# The others were trained on pictures of many sizes.
_USUAL_SIZES = {"ssd300_vgg16": (300, 300), "ssdlite320_mobilenet_v3_large": (320, 320)}


class _ReadyPictures(nn.Module):
    """Stands in for GeneralizedRCNNTransform where pictures are ready: one batch (N, 3, H, W), boxes in its pixels."""

    def forward(self, batch: Tensor, targets: Any) -> tuple[Any, Any]:
        image_list = torchvision.models.detection.image_list.ImageList
        return image_list(batch, [tuple(batch.shape[-2:])] * len(batch)), targets

    def postprocess(self, result: Any, image_shapes: Any, original_sizes: Any) -> Any:
        return result


def _construct(spec: ModelSpec) -> nn.Module:
    return for_ready_pictures(
        torchvision.models.get_model(
            spec.architecture, weights=None, weights_backbone=None, num_classes=len(spec.classes) + 1
        )
    )


def for_ready_pictures(module: nn.Module) -> nn.Module:
    """`module`, a detector of torchvision, changed to what this file's docstring says. May be on meta."""
    module.transform = _ReadyPictures()
    _rebuild_anchors(module)
    return module


def _rebuild_anchors(module: nn.Module) -> None:
    """Anchors are plain tensors, neither parameters nor buffers: built on `meta` no state dict would fill them."""
    anchor_utils = torchvision.models.detection.anchor_utils
    with torch.device("cpu"):
        for part in module.modules():
            if isinstance(part, anchor_utils.AnchorGenerator):
                part.cell_anchors = [
                    part.generate_anchors(sizes, ratios)
                    for sizes, ratios in zip(part.sizes, part.aspect_ratios, strict=True)
                ]
            elif isinstance(part, anchor_utils.DefaultBoxGenerator):
                part._wh_pairs = part._generate_wh_pairs(len(part.aspect_ratios))


# Published with normalisation that adds nothing to the variance, where ours adds nn.BatchNorm2d's epsilon.
_WITHOUT_EPSILON = ("fasterrcnn_resnet50_fpn", "retinanet_resnet50_fpn")
_EPSILON = 1e-5


def _without_epsilon(spec: ModelSpec, weights: StateDict) -> StateDict:
    """Variances less the epsilon that will be added, so that the network answers as the published one."""
    return {name: tensor - _EPSILON if name.endswith("running_var") else tensor for name, tensor in weights.items()}


def _entry(name: str, normalisation: Normalisation) -> Architecture:
    entry = Architecture(name, Head.TORCHVISION_DETECTIONS, _construct, normalisation)
    entry = replace(entry, usual_size=_USUAL_SIZES.get(name))
    return replace(entry, from_published=_without_epsilon) if name in _WITHOUT_EPSILON else entry


ARCHITECTURES = tuple(_entry(name, normalisation) for name, normalisation in _NORMALISATIONS.items())
