"""Applies a merge configuration to live networks: one nn.Parameter object in every place of a group.

Configurations are applied as differences to what is shared now, so a step back keeps what training has reached:
a place that leaves a group gets its own copy of the current weights.
"""

import enum
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import nn

from edge_runtime.protocol.errors import GemelError
from workers.merging.configuration import LayerPlace, MergeConfiguration, SharedLayerGroup


class SharingError(GemelError):
    code = "sharing"


class Initialisation(enum.StrEnum):
    """What shared weights start from. MEMBER: the first donor's. MEAN: the average over the places."""

    MEMBER = "member"
    MEAN = "mean"


class SharedNetworks:
    """Networks by query, and the configuration they hold at this moment."""

    def __init__(self, networks: Mapping[str, nn.Module], donors: Sequence[str] = ()) -> None:
        """`donors`: queries in the order in which they give their weights to a group (MEMBER); by name otherwise."""
        self.networks = dict(networks)
        self.configuration = MergeConfiguration()
        self._rank = {query: rank for rank, query in enumerate(donors)}

    def apply(
        self, configuration: MergeConfiguration, initialisation: Initialisation = Initialisation.MEAN
    ) -> frozenset[str]:
        """Afterwards exactly `configuration` is shared. Places of unchanged or shrunk groups keep their weights.

        Returns the queries whose weights changed.
        """
        staying = {place for group in configuration.groups for place in group.places}
        leaving = [place for group in self.configuration.groups for place in group.places if place not in staying]
        for place in sorted(leaving):
            self._give_own_copy(place)
        taken: set[int] = set()
        changed = [group.queries for group in configuration.ordered() if self._share(group, initialisation, taken)]
        self.configuration = configuration
        return frozenset().union(*changed)

    def tensors(self) -> dict[str, torch.Tensor]:
        """Every parameter and buffer once, by the first place that uses it; not copied."""
        found: dict[int, tuple[str, torch.Tensor]] = {}
        for query in sorted(self.networks):
            for name, tensor in self.networks[query].state_dict(keep_vars=True).items():
                found.setdefault(id(tensor), (f"{query}/{name}", tensor))
        return dict(found.values())

    def restore(self, configuration: MergeConfiguration, tensors: Mapping[str, torch.Tensor]) -> None:
        """Shares `configuration` with the weights, and their layout in memory, that `tensors` gave for it."""
        self.apply(configuration)
        for name, tensor in self.tensors().items():
            tensor.data = tensors[name].to(tensor.device)

    @contextmanager
    def moved(self, queries: Iterable[str], device: torch.device) -> Iterator[None]:
        """Inside, these networks are on `device`; elsewhere all are on the CPU, which holds more than one trial needs.

        Parameters stay the objects that they are, so what is shared stays shared.
        """
        networks = [self.networks[query] for query in queries]
        for network in networks:
            network.to(device)
        try:
            yield
        finally:
            for network in networks:
                network.to("cpu")

    def _share(self, group: SharedLayerGroup, initialisation: Initialisation, taken: set[int]) -> bool:
        """Whether this changed any weights: not where the places held one parameter already.

        `taken`: ids of the parameters that other groups use; where a group is divided, its second part gets a copy.
        """
        is_changed = False
        for name in parameter_names(self.layer(group.places[0])):
            held = _most_used_first([getattr(self.layer(place), name) for place in self._donors_first(group)])
            is_one = len({id(parameter) for parameter in held}) == 1
            is_changed = is_changed or not is_one
            shared = held[0] if is_one and id(held[0]) not in taken else _merged(held, initialisation)
            taken.add(id(shared))
            for place in group.places:
                setattr(self.layer(place), name, shared)
        return is_changed

    def _donors_first(self, group: SharedLayerGroup) -> list[LayerPlace]:
        return sorted(group.places, key=lambda place: (self._rank.get(place.query, len(self._rank)), place))

    def _give_own_copy(self, place: LayerPlace) -> None:
        layer = self.layer(place)
        for name in parameter_names(layer):
            current = getattr(layer, name)
            setattr(layer, name, nn.Parameter(current.detach().clone(), requires_grad=current.requires_grad))

    def layer(self, place: LayerPlace) -> nn.Module:
        return self.networks[place.query].get_submodule(place.layer)

    def shared_parameters(self, group: SharedLayerGroup) -> list[nn.Parameter]:
        layer = self.layer(group.places[0])
        return [getattr(layer, name) for name in parameter_names(layer)]

    def parameters(self, queries: Iterable[str]) -> list[nn.Parameter]:
        """Every parameter of these queries exactly once, however many places use it: each is stepped once."""
        found = {id(p): p for query in queries for p in self.networks[query].parameters()}
        return list(found.values())


def parameter_names(layer: nn.Module) -> list[str]:
    """Own parameters of a layer that exist (a convolution without bias has only a weight)."""
    return [name for name, _ in layer.named_parameters(recurse=False)]


def _most_used_first(held: list[nn.Parameter]) -> list[nn.Parameter]:
    """Otherwise in order: what several places share by now is trained for all of them, and goes on when they grow."""
    uses = Counter(map(id, held))
    return sorted(held, key=lambda parameter: -uses[id(parameter)])


def _merged(held: list[nn.Parameter], initialisation: Initialisation) -> nn.Parameter:
    if len({tuple(parameter.shape) for parameter in held}) > 1:
        raise SharingError("Layers of different shapes cannot share weights.")
    with torch.no_grad():
        value = (
            held[0].clone()
            if initialisation is Initialisation.MEMBER
            else torch.stack(list[torch.Tensor](held)).mean(dim=0)
        )
    return nn.Parameter(value, requires_grad=any(parameter.requires_grad for parameter in held))
