"""Image classifiers of torchvision: all that it builds by name, with its state-dict names."""

import math
from functools import partial
from typing import Any

import torch
from torch import nn

from edge_runtime.vision.architectures.architecture import IMAGENET, Architecture, Head, Normalisation, StateDict
from edge_runtime.vision.architectures.input_sizes import InputSizes
from edge_runtime.vision.spec import ModelSpec
from edge_runtime.vision.torchvision_ops import torchvision

_AUXILIARY = {"googlenet": ("aux1.", "aux2."), "inception_v3": ("AuxLogits.",)}

# Published with other statistics than the rest. googlenet and inception_v3 convert inside (transform_input), which is
# left out here: the same input comes from the picture directly.
_CENTRED = Normalisation((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
_WITH_CENTRED_INPUT = ("efficientnet_v2_l", "googlenet", "inception_v3")

# Below these pooling or a convolution leaves nothing; found by trying every size on meta.
_MINIMUM_SIDES = {
    "alexnet": 63,
    "convnext": 32,
    "densenet": 29,
    "googlenet": 15,
    "inception_v3": 75,
    "squeezenet1_0": 21,
    "squeezenet1_1": 17,
    "swin": 4,
    "vgg": 32,
}
_PATCHES = {"vit_b_16": 16, "vit_b_32": 32, "vit_h_14": 14, "vit_l_16": 16, "vit_l_32": 32}
_MAXVIT_MULTIPLE = 224  # windows of 7 x 7 must tile the picture at every stride from 4 to 32


def _compute_regnet_shapes_on_cpu() -> None:
    """torchvision computes RegNet's widths with tensors, which on `meta` have no values to read back."""
    block_params = torchvision.models.regnet.BlockParams
    original = block_params.from_init_params

    def from_init_params(*args: Any, **options: Any) -> Any:
        with torch.device("cpu"):
            return original(*args, **options)

    block_params.from_init_params = from_init_params


_compute_regnet_shapes_on_cpu()


def _construct(spec: ModelSpec, **options: Any) -> nn.Module:
    module: nn.Module = torchvision.models.get_model(
        spec.architecture, weights=None, num_classes=len(spec.classes), **options
    )
    return module


def _at_input_size(spec: ModelSpec, weights: StateDict) -> StateDict:
    """Published position embeddings, resampled to the spec's number of patches."""
    resampled: StateDict = torchvision.models.vision_transformer.interpolate_embeddings(
        spec.input_size[0], _PATCHES[spec.architecture], dict(weights)
    )
    return resampled


def _transformer_size(name: str, weights: StateDict) -> tuple[int, int] | None:
    """A transformer has one position embedding per patch, and one for its class token."""
    patches = weights["encoder.pos_embedding"].shape[1] - 1
    side = math.isqrt(max(patches, 0))
    return (side * _PATCHES[name],) * 2 if side and side * side == patches else None


def _transformer(spec: ModelSpec) -> nn.Module:
    return _construct(spec, image_size=spec.input_size[0])


def _maxvit(spec: ModelSpec) -> nn.Module:
    return _construct(spec, input_size=spec.input_size)


def _entry(name: str) -> Architecture:
    normalisation = _CENTRED if name in _WITH_CENTRED_INPUT else IMAGENET
    entry = partial(Architecture, name, Head.LOGITS, normalisation=normalisation, usual_size=_published_size(name))
    if name in _PATCHES:
        sizes = InputSizes(multiple=_PATCHES[name], is_square=True)
        read_size = partial(_transformer_size, name)
        return entry(construct=_transformer, input_sizes=sizes, from_published=_at_input_size, size_of=read_size)
    if name == "maxvit_t":
        return entry(construct=_maxvit, input_sizes=InputSizes(multiple=_MAXVIT_MULTIPLE, is_square=True))
    if name in _AUXILIARY:
        construct = partial(_construct, aux_logits=False, init_weights=True)
        return entry(construct=construct, training_only=_AUXILIARY[name], input_sizes=_minimum_size(name))
    return entry(construct=_construct, input_sizes=_minimum_size(name))


def _published_size(name: str) -> tuple[int, int]:
    side = torchvision.models.get_model_weights(name).DEFAULT.transforms.keywords["crop_size"]
    return side, side


def _minimum_size(name: str) -> InputSizes:
    return InputSizes(minimum=next((side for family, side in _MINIMUM_SIDES.items() if name.startswith(family)), 1))


ARCHITECTURES = tuple(_entry(name) for name in torchvision.models.list_models(module=torchvision.models))
