"""A network without memory of its own: every parameter and buffer is a pointer into the store of resident tensors."""

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.manifest import ModelEntry, TensorEntry
from edge_runtime.vision.architectures import architecture, build
from edge_runtime.vision.spec import ModelSpec


class WeightsIncomplete(GemelError):
    """The manifest's tensors do not make up the network that it names."""

    code = "weights_incomplete"


@dataclass(frozen=True)
class Wanted:
    """A tensor as a skeleton wants it resident: the manifest's entry, in the network's own dtype."""

    entry: TensorEntry
    dtype: torch.dtype

    @property
    def key(self) -> str:
        """What makes two places share one resident tensor: equal bytes, read and held in the same way."""
        return f"{self.entry.digest}:{self.entry.dtype}:{str(self.dtype).removeprefix('torch.')}"

    @property
    def size_bytes(self) -> int:
        return torch.Size(self.entry.shape).numel() * self.dtype.itemsize


@dataclass(frozen=True)
class _Place:
    owner: nn.Module
    attribute: str
    empty: Tensor  # on meta: the shape, and what stands here while the tensor is not resident

    def put(self, tensor: Tensor) -> None:
        """`tensor` may have another shape with the same bytes: equal content has one digest."""
        viewed = tensor if tensor.shape == self.empty.shape else tensor.view(self.empty.shape)
        self._held()[self.attribute] = viewed

    def clear(self) -> None:
        self._held()[self.attribute] = self.empty

    def _held(self) -> dict[str, Any]:
        """Plain tensors serve for parameters where nothing trains: making one of each takes longer than pointing."""
        return self.owner._parameters if self.attribute in self.owner._parameters else self.owner._buffers


class Skeleton:
    """`module` runs once every key of `wanted` is attached. Raises WeightsIncomplete, UnknownArchitecture.

    `like`: a skeleton of the same spec to copy the network from, which is several times faster than building it.
    """

    def __init__(
        self, spec: ModelSpec, tensors: dict[str, TensorEntry], device: torch.device, like: "Skeleton | None" = None
    ) -> None:
        self.spec = spec
        self._blank: nn.Module = like._blank if like is not None else build(spec, device="meta").requires_grad_(False)
        self.module = copy.deepcopy(self._blank)
        ignored = architecture(spec.architecture).training_only
        given = {name: entry for name, entry in tensors.items() if not name.startswith(ignored or ("\0",))}
        _fill_counters(self.module, given, device)
        _check(spec, self.module, given)
        self.wanted: dict[str, Wanted] = {}
        self._places: dict[str, list[_Place]] = {}
        self._attached: set[str] = set()
        for name, entry in given.items():
            self._add(name, entry)

    def _add(self, name: str, entry: TensorEntry) -> None:
        path, _, attribute = name.rpartition(".")
        owner = self.module.get_submodule(path)
        empty = getattr(owner, attribute)
        wanted = Wanted(entry, empty.dtype)
        self.wanted[wanted.key] = wanted
        self._places.setdefault(wanted.key, []).append(_Place(owner, attribute, empty))

    @property
    def is_complete(self) -> bool:
        return len(self._attached) == len(self.wanted)

    @property
    def weight_bytes(self) -> int:
        return sum(wanted.size_bytes for wanted in self.wanted.values())

    def attach(self, key: str, tensor: Tensor) -> None:
        for place in self._places[key]:
            place.put(tensor)
        self._attached.add(key)

    def detach(self, key: str) -> None:
        for place in self._places[key]:
            place.clear()
        self._attached.discard(key)


def spec_of(model: ModelEntry) -> ModelSpec:
    return ModelSpec(model.architecture, model.classes, model.input_size)


def _fill_counters(module: nn.Module, given: dict[str, TensorEntry], device: torch.device) -> None:
    """BatchNorm's batch counters may be missing from weights; inference does not read them."""
    for part in module.modules():
        counter = part._buffers.get("num_batches_tracked")
        if counter is not None:
            part._buffers["num_batches_tracked"] = torch.zeros_like(counter, device=device)
    for name in [name for name in given if name.endswith("num_batches_tracked")]:
        del given[name]


def _check(spec: ModelSpec, module: nn.Module, given: dict[str, TensorEntry]) -> None:
    expected = {name: t for name, t in module.state_dict().items() if not name.endswith("num_batches_tracked")}
    wrong = [
        name
        for name in {**expected, **given}
        if name not in given or name not in expected or tuple(expected[name].shape) != tuple(given[name].shape)
    ]
    if wrong:
        raise WeightsIncomplete(
            f"The bundle's tensors do not fit {spec.architecture} ({len(wrong)} differ, first {wrong[0]}). "
            "The models that run were kept; publish the bundle again."
        )
