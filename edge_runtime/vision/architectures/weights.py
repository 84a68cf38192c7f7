"""A network from its weights, and the sentence for a person when they do not fit it."""

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from edge_runtime.protocol.errors import GemelError
from edge_runtime.vision.architectures.registry import architecture, build
from edge_runtime.vision.spec import ModelSpec

_NAMED = 3  # tensors of each kind that a message names


class WeightsMismatch(GemelError):
    code = "weights_mismatch"


def load_weights(spec: ModelSpec, state_dict: Mapping[str, Tensor]) -> nn.Module:
    """The network of `spec` on the CPU, in eval mode, with its own copy of `state_dict` (floats become float32).

    Every tensor must be there with its exact shape; only BatchNorm's batch counters may be missing, and auxiliary
    classifiers are ignored. Raises WeightsMismatch, UnknownArchitecture.
    """
    module = build(spec, "meta")
    expected = module.state_dict()
    given = without_training_only(spec.architecture, state_dict)
    for name, tensor in expected.items():
        if _is_batch_counter(name) and name not in given:
            given[name] = torch.zeros(tensor.shape, dtype=tensor.dtype)
    _check(spec, expected, given)
    copies = {name: given[name].to("cpu", expected[name].dtype, copy=True) for name in expected}
    module.load_state_dict(copies, assign=True)
    return module.eval()


def without_training_only(name: str, state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What inference with this architecture needs of `state_dict`: no auxiliary classifiers."""
    ignored = architecture(name).training_only or ("\0",)
    return {name: tensor for name, tensor in state_dict.items() if not name.startswith(ignored)}


def classes_of(spec: ModelSpec, given: Mapping[str, Tensor]) -> int | None:
    """How many classes `given` was made for as weights of `spec`'s network (whose own classes do not matter), or None
    where it fits with no number of them. Batch counters may be missing.

    A dimension that depends on the number of classes grows evenly with it, so two networks give the slope.
    """
    base, more = _with_classes(spec, 1), _with_classes(spec, 2)
    for name in base:
        if base[name].shape == more[name].shape:
            continue
        if name not in given or base[name].dim() != given[name].dim():
            return None
        for axis, (one, two) in enumerate(zip(base[name].shape, more[name].shape, strict=True)):
            if one != two:
                count = 1 + (given[name].shape[axis] - one) // (two - one)
                return count if count > 0 and _fits(_with_classes(spec, count), given) else None
    return None


def differences(expected: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> str:
    """The first few tensors that are missing, unexpected or of another shape, in words; "" where all fit."""
    shapes = [
        f"{name} is {_shape(given[name])} instead of {_shape(expected[name])}" for name in _misshaped(expected, given)
    ]
    problems = (
        ("missing:", [name for name in expected if name not in given and not _is_batch_counter(name)]),
        ("unexpected:", [name for name in given if name not in expected]),
        ("wrong shape:", shapes),
    )
    return "; ".join(
        f"{what} {', '.join(found[:_NAMED])}" + (f" and {len(found) - _NAMED} more" if len(found) > _NAMED else "")
        for what, found in problems
        if found
    )


def names_that_depend_on_the_classes(spec: ModelSpec) -> tuple[str, ...]:
    """The tensors of `spec`'s network, in order, whose shape depends on how many classes it has: its head."""
    one, two = _with_classes(spec, 1), _with_classes(spec, 2)
    return tuple(name for name in one if one[name].shape != two[name].shape)


def _check(spec: ModelSpec, expected: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> None:
    problems = differences(expected, given)
    if not problems:
        return
    classes = classes_of(spec, given) if given.keys() == expected.keys() else None
    if classes is not None:
        raise WeightsMismatch(
            f"These weights of {spec.architecture} were trained for {classes} classes, but {len(spec.classes)} are "
            "named; nothing was loaded: name the classes that the weights were trained for, in their order."
        )
    raise WeightsMismatch(
        f"These weights do not fit {spec.architecture} and nothing was loaded ({problems}): "
        "choose the architecture that they were trained with."
    )


def _misshaped(expected: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> list[str]:
    return [name for name in expected if name in given and given[name].shape != expected[name].shape]


def _is_batch_counter(name: str) -> bool:
    return name.endswith("num_batches_tracked")


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a scalar"


def _with_classes(spec: ModelSpec, count: int) -> dict[str, Tensor]:
    return build(replace(spec, classes=("",) * count), "meta").state_dict()


def _fits(expected: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> bool:
    return not differences(expected, given)
