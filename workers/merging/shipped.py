"""The weights as they would be shipped, swapped in for measuring: the running average of training, and rounded.

A figure must be of the very bytes that a box gets, so evaluation and snapshots happen while these are in place.
Normalisation statistics are not averaged: they are measured on the weights that are in place.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import nn


class RunningAverage:
    """Exponential average of parameters over training steps: as good as a decayed learning rate, at any step.

    Every distinct parameter is averaged once, so shared layers stay one. Source: Polyak & Juditsky (1992).
    """

    def __init__(self, decay: float) -> None:
        self._decay = decay
        self._updates = 0
        self._held: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

    def update(self, networks: Mapping[str, nn.Module]) -> None:
        """Early updates weigh more, so that the first steps are forgotten."""
        self._updates += 1
        keep = min(self._decay, self._updates / (self._updates + 9))
        with torch.no_grad():
            for tensor in distinct_parameters(networks):
                if id(tensor) in self._held:
                    self._held[id(tensor)][1].lerp_(tensor, 1 - keep)
                else:
                    self._held[id(tensor)] = (tensor, tensor.detach().clone())

    def of(self, tensor: torch.Tensor) -> torch.Tensor:
        """The average of `tensor`, or itself where it was never averaged."""
        held = self._held.get(id(tensor))
        return held[1] if held is not None else tensor.detach()

    def forget(self, tensor: torch.Tensor) -> None:
        self._held.pop(id(tensor), None)

    @property
    def updates(self) -> int:
        return self._updates

    def tensors(self, networks: Mapping[str, nn.Module]) -> dict[str, torch.Tensor]:
        """The averages of these networks' parameters, by number in their fixed order; none before the first update."""
        numbered = enumerate(distinct_parameters(networks))
        return {str(number): self._held[id(tensor)][1] for number, tensor in numbered if id(tensor) in self._held}

    def restore(self, networks: Mapping[str, nn.Module], updates: int, tensors: Mapping[str, torch.Tensor]) -> None:
        """Goes on from what `updates` and `tensors` gave for the same networks."""
        self._updates = updates
        found = distinct_parameters(networks)
        pairs = [(found[int(number)], value) for number, value in tensors.items()]
        self._held = {id(tensor): (tensor, value.to(tensor.device)) for tensor, value in pairs}

    def adopt(self, networks: Mapping[str, nn.Module]) -> None:
        """Puts the averages into the networks for good."""
        with torch.no_grad():
            for tensor in distinct_parameters(networks):
                tensor.copy_(self.of(tensor))


@contextmanager
def as_shipped(
    networks: Mapping[str, nn.Module],
    *,
    average: RunningAverage | None,
    rounding: torch.dtype | None,
    normalise: Callable[[], None] = lambda: None,
) -> Iterator[None]:
    """Inside, `networks` hold the weights as they would be shipped; afterwards training's own are back.

    `normalise` measures normalisation statistics; it runs on the weights as shipped, and its result is rounded too.
    """
    tensors = distinct_floats(networks)
    saved = [tensor.detach().clone() for tensor in tensors]
    with torch.no_grad():
        for parameter in distinct_parameters(networks):
            parameter.copy_(_rounded(average.of(parameter) if average is not None else parameter.detach(), rounding))
        normalise()
        for tensor in tensors:
            tensor.copy_(_rounded(tensor.detach(), rounding))
    try:
        yield
    finally:
        with torch.no_grad():
            for tensor, value in zip(tensors, saved, strict=True):
                tensor.copy_(value)


def _rounded(tensor: torch.Tensor, rounding: torch.dtype | None) -> torch.Tensor:
    return tensor if rounding is None else tensor.to(rounding).to(tensor.dtype)


def distinct_parameters(networks: Mapping[str, nn.Module]) -> list[torch.Tensor]:
    """Every parameter once, in a fixed order."""
    found = {id(p): p for name in sorted(networks) for p in networks[name].parameters()}
    return list(found.values())


def distinct_floats(networks: Mapping[str, nn.Module]) -> list[torch.Tensor]:
    """Every floating-point parameter and buffer once, in a fixed order."""
    found: dict[int, torch.Tensor] = {}
    for name in sorted(networks):
        for tensor in (*networks[name].parameters(), *networks[name].buffers()):
            if tensor.is_floating_point():
                found.setdefault(id(tensor), tensor)
    return list(found.values())


def snapshot(network: nn.Module) -> dict[str, torch.Tensor]:
    """A copy of the state on the CPU. Shared layers are copied bit by bit, so their digests stay equal."""
    return {name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}


class WeightsBefore:
    """Copies of weights, to go back to when training diverges.

    `tensors`: the copies by number; may be replaced by those that an earlier one of the same networks held.
    """

    tensors: Mapping[str, torch.Tensor]

    def __init__(self, networks: Mapping[str, nn.Module]) -> None:
        self._originals = distinct_floats(networks)
        self.tensors = {str(number): tensor.detach().clone() for number, tensor in enumerate(self._originals)}

    def restore(self, networks: Mapping[str, nn.Module]) -> None:
        """Only in `networks`: what was accepted in the meantime stays."""
        wanted = {id(tensor) for tensor in distinct_floats(networks)}
        with torch.no_grad():
            for number, tensor in enumerate(self._originals):
                if id(tensor) in wanted:
                    tensor.copy_(self.tensors[str(number)])
