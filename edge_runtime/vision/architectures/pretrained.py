"""Networks with torchvision's published weights, through its own loader and cache (`torch.hub`)."""

import pickle
from pathlib import Path
from typing import Any

import torch
from torch import nn

from edge_runtime.protocol.errors import GemelError
from edge_runtime.vision.architectures.architecture import Architecture, Backbone, StateDict
from edge_runtime.vision.architectures.registry import architecture, build
from edge_runtime.vision.architectures.weights import load_weights, names_that_depend_on_the_classes
from edge_runtime.vision.spec import ModelSpec, Task
from edge_runtime.vision.torchvision_ops import torchvision


class PretrainedUnavailable(GemelError):
    code = "pretrained_unavailable"


def pretrained(spec: ModelSpec) -> nn.Module:
    """The network of `spec` on the CPU, in eval mode, with the weights that torchvision publishes as DEFAULT.

    With as many classes as those have, all of it; otherwise its head is random (of torch's global generator), and where
    only a backbone is published, all but that. Downloads what the cache lacks. Raises PretrainedUnavailable,
    UnknownArchitecture, InputSizeUnsupported.
    """
    entry = architecture(spec.architecture)
    published = _published(entry)
    fresh = build(spec)
    given = entry.from_published(spec, _load(spec.architecture, published))
    if entry.backbone is not None:
        expected = fresh.state_dict()
        placed = _placed(entry.backbone, given)
        return load_weights(spec, expected | {name: placed[name] for name in placed if name in expected})
    if has_pretrained_head(spec):
        return load_weights(spec, given)
    head = names_that_depend_on_the_classes(spec)
    return load_weights(spec, {**given, **{name: fresh.state_dict()[name] for name in head}})


def has_pretrained_head(spec: ModelSpec) -> bool:
    """Whether pretrained(spec) answers sensibly as it is: published whole, for as many classes (COCO's, for detectors,
    are 90, ten of them unused). Raises PretrainedUnavailable, UnknownArchitecture."""
    entry = architecture(spec.architecture)
    categories = len(_published(entry).meta["categories"])
    background = 1 if entry.task is Task.DETECTION else 0
    return entry.backbone is None and categories - background == len(spec.classes)


def _published(entry: Architecture) -> Any:
    """torchvision's WeightsEnum member."""
    name = entry.backbone.architecture if entry.backbone else entry.name
    if name not in torchvision.models.list_models():
        raise PretrainedUnavailable(
            f"There are no published weights of {entry.name} and nothing was built: "
            "give the path of a safetensors file, or train the model on its data first."
        )
    return torchvision.models.get_model_weights(name).DEFAULT


def _load(name: str, published: Any) -> StateDict:
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    file = Path(published.url).name
    try:
        state: StateDict = published.get_state_dict(
            progress=False, check_hash=True, map_location="cpu", weights_only=True
        )
    except OSError as error:
        raise PretrainedUnavailable(
            f"The published weights of {name} could not be downloaded ({error}) and nothing was built: put {file} "
            f"from {published.url} into {folder}, or give the path of a safetensors file."
        ) from error
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise PretrainedUnavailable(
            f"{folder / file} is damaged or not what torchvision publishes as the weights of {name}, and nothing was "
            "built: delete it and try again."
        ) from error
    return state


def _placed(backbone: Backbone, given: StateDict) -> StateDict:
    def name_here(name: str) -> str:
        there, here = next(place for place in backbone.places if name.startswith(place[0]))
        return here + name.removeprefix(there)

    return {name_here(name): tensor for name, tensor in given.items()}
