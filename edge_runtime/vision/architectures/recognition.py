"""Which architecture weights belong to, and for how many classes: told by their tensors' names and shapes alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from torch import Tensor

from edge_runtime.protocol.errors import GemelError
from edge_runtime.vision.architectures.registry import architecture, architecture_names, build
from edge_runtime.vision.architectures.tensor_names import architectures_named_so
from edge_runtime.vision.architectures.weights import (
    classes_of,
    differences,
    names_that_depend_on_the_classes,
    without_training_only,
)
from edge_runtime.vision.spec import ModelSpec

_ANY_SIDE = 224
_NEAR = 0.2  # of the tensors; below that two networks have only the commonest names in common


@dataclass(frozen=True)
class Candidate:
    """An architecture that load_weights takes the tensors for.

    `classes`: how many. `input_size`: (height, width) where the tensors tell it, which most do not.
    """

    architecture: str
    classes: int
    input_size: tuple[int, int] | None


class NoArchitectureFits(GemelError):
    code = "no_architecture_fits"


def recognise(state_dict: Mapping[str, Tensor]) -> tuple[Candidate, ...]:
    """All that fit, by name: several only where networks differ in nothing but what they do. Reads no values.

    Raises NoArchitectureFits, which names the nearest architecture and how it differs. Takes seconds then: all are
    built on meta to find it.
    """
    named = _named_so(state_dict)
    found = tuple(candidate for name in named if (candidate := _candidate(name, state_dict)) is not None)
    if not found:
        raise NoArchitectureFits(_why_none(state_dict, named or architecture_names()))
    return found


def _named_so(state_dict: Mapping[str, Tensor]) -> tuple[str, ...]:
    """By the names alone, with and without the parts that only training needs."""
    with_aids = {architecture(name).training_only: name for name in architecture_names()}
    found = {
        name
        for owner in with_aids.values()
        for name in architectures_named_so(_own(owner, state_dict))
        if _own(name, state_dict).keys() == _own(owner, state_dict).keys()
    }
    return tuple(sorted(found))


def _candidate(name: str, state_dict: Mapping[str, Tensor]) -> Candidate | None:
    given = _own(name, state_dict)
    size = architecture(name).size_of(given)
    classes = classes_of(_spec(name, size), given)
    return Candidate(name, classes, size) if classes is not None else None


def _spec(name: str, size: tuple[int, int] | None) -> ModelSpec:
    return ModelSpec(name, ("",), architecture(name).input_sizes.nearest(size or (_ANY_SIDE, _ANY_SIDE)))


def _why_none(state_dict: Mapping[str, Tensor], names: Iterable[str]) -> str:
    likeness, nearest = max((_likeness(_skeleton(name), _own(name, state_dict)), name) for name in names)
    start = f"The file's {len(state_dict)} tensors fit none of the {len(architecture_names())} known architectures"
    if likeness < _NEAR:
        return f"{start}, nor is one near: train a known architecture, or export only the network's own state dict."
    head = names_that_depend_on_the_classes(_spec(nearest, None))
    expected, given = (
        {name: tensor for name, tensor in tensors.items() if name not in head}
        for tensors in (_skeleton(nearest), _own(nearest, state_dict))
    )
    problems = differences(expected, given) or f"its last layers, {', '.join(head)}, have shapes of their own"
    alike = f"{100 * _likeness(expected, given):.0f} % of its tensors are alike"
    return f"{start}. The nearest is {nearest}: {alike} ({problems}). Export the network as it is built there."


def _skeleton(name: str) -> dict[str, Tensor]:
    return build(_spec(name, None), "meta").state_dict()


def _own(name: str, state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return without_training_only(name, state_dict)


def _likeness(expected: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> float:
    """Tensors of equal name and shape, of all that either has."""
    alike = sum(expected[key].shape == tensor.shape for key, tensor in given.items() if key in expected)
    return alike / len(expected.keys() | given.keys())
