"""A query's original network from its weights file, and the networks that `fit` and a merge run start to train from.

Weights are data, never code: safetensors, and for a start also what torch.load reads with weights_only.
"""

import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from edge_runtime.protocol.errors import GemelError
from edge_runtime.vision.architectures import build, has_pretrained_head, load_weights, pretrained
from workers.merging.workload import PRETRAINED, QueryPart, WorkloadError, WorkloadFile

TORCH_SUFFIXES = frozenset({".pt", ".pth"})


@dataclass(frozen=True)
class Start:
    """A network to train, and in a few words what its weights come from."""

    network: nn.Module
    origin: str


def load_original(file: WorkloadFile, part: QueryPart) -> nn.Module:
    """Frozen, on the CPU. Raises WorkloadError, which names the query."""
    if part.model.weights == PRETRAINED:
        return _published(part).requires_grad_(False)
    path = file.path(part.model.weights)
    if not path.exists():
        raise WorkloadError(
            f'The weights of query "{part.name}" ({path}) are missing; where its data has labels, '
            "`python -m workers.merging fit` trains them."
        )
    return _loaded(part, path)


def load_merged(file: WorkloadFile, part: QueryPart) -> nn.Module | None:
    """What a merge run starts from, where that is not the original. Raises WorkloadError, which names the query."""
    return None if part.model.merged is None else _loaded(part, file.path(part.model.merged))


def _loaded(part: QueryPart, path: Path) -> nn.Module:
    state = _read(part, path, load_file)
    try:
        network = load_weights(part.model.spec, state)
    except GemelError as error:
        raise WorkloadError(f'Query "{part.name}": {error}') from error
    return network.requires_grad_(False)


def _published(part: QueryPart) -> nn.Module:
    try:
        if not has_pretrained_head(part.model.spec):
            raise WorkloadError(
                f"the published weights of {part.model.architecture} are not for these {len(part.model.classes)} "
                "classes; name a file as its weights and DEFAULT as its init, and let "
                "`python -m workers.merging fit` train it."
            )
        return pretrained(part.model.spec)
    except GemelError as error:
        raise WorkloadError(f'Query "{part.name}": {error}') from error


def starting_network(file: WorkloadFile, part: QueryPart) -> Start:
    """By torch's global generator where `init` does not say otherwise. Raises WorkloadError, which names the query."""
    try:
        if part.model.init == PRETRAINED:
            return Start(pretrained(part.model.spec), "published weights")
        network = build(part.model.spec)
    except GemelError as error:
        raise WorkloadError(f'Query "{part.name}": {error}') from error
    if part.model.init is None:
        return Start(network, "random weights")
    own, path = network.state_dict(), file.path(part.model.init)
    state = _read(part, path, _load_torch if path.suffix in TORCH_SUFFIXES else load_file)
    fitting = {name: tensor for name, tensor in state.items() if name in own and tensor.shape == own[name].shape}
    if not fitting:
        raise WorkloadError(
            f'Nothing in {path} fits {part.model.architecture}, which query "{part.name}" was to be trained from; '
            "name weights of the same architecture, or none."
        )
    network.load_state_dict(fitting, strict=False)
    return Start(network, f"{len(fitting)} of {len(own)} tensors of {path.name}")


def _read(part: QueryPart, path: Path, load: Callable[[Path], Mapping[str, Tensor]]) -> Mapping[str, Tensor]:
    try:
        state = load(path)
    except (OSError, SafetensorError, pickle.UnpicklingError, EOFError, RuntimeError, ValueError) as error:
        raise WorkloadError(f'The weights of query "{part.name}" ({path}) cannot be read: {error}.') from error
    broken = next((name for name, tensor in state.items() if not torch.isfinite(tensor).all()), None)
    if broken is not None:
        raise WorkloadError(f'The weights of query "{part.name}" hold values that are no numbers, in {broken}.')
    return state


def _load_torch(path: Path) -> Mapping[str, Tensor]:
    state = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(state, Mapping) or not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise ValueError("it is no state dict")
    return state
