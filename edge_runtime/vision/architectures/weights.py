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
    ignored = architecture(spec.architecture).training_only
    given = {name: tensor for name, tensor in state_dict.items() if not name.startswith(ignored or ("\0",))}
    for name, tensor in expected.items():
        if name.endswith("num_batches_tracked") and name not in given:
            given[name] = torch.zeros(tensor.shape, dtype=tensor.dtype)
    _check(spec, expected, given)
    copies = {name: given[name].to("cpu", expected[name].dtype, copy=True) for name in expected}
    module.load_state_dict(copies, assign=True)
    return module.eval()


def _check(spec: ModelSpec, expected: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> None:
    missing = [name for name in expected if name not in given]
    unexpected = [name for name in given if name not in expected]
    misshaped = [name for name in expected if name in given and given[name].shape != expected[name].shape]
    if not (missing or unexpected or misshaped):
        return
    classes = None if missing or unexpected else _number_of_classes(spec, misshaped, given)
    if classes is not None:
        raise WeightsMismatch(
            f"These weights of {spec.architecture} were trained for {classes} classes, but {len(spec.classes)} are "
            "named; nothing was loaded: name the classes that the weights were trained for, in their order."
        )
    shapes = [f"{name} is {_shape(given[name])} instead of {_shape(expected[name])}" for name in misshaped]
    problems = [
        f"{what} {', '.join(found[:_NAMED])}" + (f" and {len(found) - _NAMED} more" if len(found) > _NAMED else "")
        for what, found in (("missing:", missing), ("unexpected:", unexpected), ("wrong shape:", shapes))
        if found
    ]
    raise WeightsMismatch(
        f"These weights do not fit {spec.architecture} and nothing was loaded ({'; '.join(problems)}): "
        "choose the architecture that they were trained with."
    )


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a scalar"


def names_that_depend_on_the_classes(spec: ModelSpec) -> tuple[str, ...]:
    """The tensors of `spec`'s network, in order, whose shape depends on how many classes it has: its head."""
    one, two = _with_classes(spec, 1), _with_classes(spec, 2)
    return tuple(name for name in one if one[name].shape != two[name].shape)


def _with_classes(spec: ModelSpec, count: int) -> dict[str, Tensor]:
    return build(replace(spec, classes=("",) * count), "meta").state_dict()


def _number_of_classes(spec: ModelSpec, misshaped: list[str], given: Mapping[str, Tensor]) -> int | None:
    """How many classes `given` was made for, if that alone explains the shapes; found by building such a network.

    A dimension that depends on the number of classes grows evenly with it, so two networks give the slope.
    """
    base, more = _with_classes(spec, 1), _with_classes(spec, 2)
    for name in misshaped:
        if base[name].dim() != given[name].dim():
            return None
        for axis, (one, two) in enumerate(zip(base[name].shape, more[name].shape, strict=True)):
            if one != two:
                count = 1 + (given[name].shape[axis] - one) // (two - one)
                return count if count > 0 and _fits(_with_classes(spec, count), given) else None
    return None


def _fits(expected: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> bool:
    return all(tensor.shape == given[name].shape for name, tensor in expected.items())
