"""Where sharing hurts: per place, how much its query would gain per byte from weights of its own.

A query that misses its target gets a copy of everything it shares and trains that for a few steps. What its loss falls
by is put down to the layers: the gradient of each step times the movement of the layer. The copies are thrown away.
Source: Lan et al., LCA: Loss Change Allocation (NeurIPS 2019). It found the layer that a query was built to conflict in
more often than comparing gradients at the joint optimum did (docs/adr/0007-what-paid-in-merging.md).
"""

import copy
from collections.abc import Iterable, Sequence

import torch
from torch import nn

from workers.merging.configuration import LayerPlace, SharedLayerGroup
from workers.merging.queries import MergingQuery
from workers.merging.sharing import SharedNetworks, parameter_names
from workers.merging.training import JointTraining

STEPS = 30


def conflict_by_place(
    shared: SharedNetworks, training: JointTraining, groups: Iterable[SharedLayerGroup], failing: Iterable[str]
) -> dict[LayerPlace, float]:
    """At least 0; 0 for queries that are not `failing`, which have nothing to gain. Leaves weights as they are.

    Uses STEPS of the training's next batches of every failing query.
    """
    by_query = {query.name: query for query in training.queries}
    groups = [group for group in groups if group.queries <= by_query.keys()]
    places = {place: group.size_bytes for group in groups for place in group.places}
    found = dict.fromkeys(places, 0.0)
    for name in sorted(set(failing).intersection(by_query)):
        own = [place for place in places if place.query == name]
        gains = _gains(shared.networks[name], [place.layer for place in own], by_query[name], training)
        found.update({place: max(0.0, gain) / places[place] for place, gain in zip(own, gains, strict=True)})
    return found


def _gains(network: nn.Module, layers: Sequence[str], query: MergingQuery, training: JointTraining) -> list[float]:
    """By how much the loss of `query` falls through each of `layers` when a copy of `network` trains them alone."""
    alone = copy.deepcopy(network)
    parameters = [_own_copies(alone.get_submodule(layer)) for layer in layers]
    flat = [parameter for own in parameters for parameter in own]
    optimiser = torch.optim.Adam(flat, lr=training.settings.peak_rate)
    gains = [0.0] * len(layers)
    for _ in range(STEPS):
        optimiser.zero_grad(set_to_none=True)
        training.loss(query, alone).backward()
        before = [[parameter.detach().clone() for parameter in own] for own in parameters]
        optimiser.step()
        for number, (own, starts) in enumerate(zip(parameters, before, strict=True)):
            gains[number] -= _first_order_change(own, starts)
    return gains


def _own_copies(layer: nn.Module) -> list[nn.Parameter]:
    """Puts parameters into `layer` that no other layer of its network uses."""
    for name in parameter_names(layer):
        setattr(layer, name, nn.Parameter(getattr(layer, name).detach().clone()))
    return [getattr(layer, name) for name in parameter_names(layer)]


def _first_order_change(parameters: Sequence[nn.Parameter], before: Sequence[torch.Tensor]) -> float:
    """Of the loss, by the step from `before` to now, as the gradient says that the step was made by."""
    return sum(
        float((parameter.grad * (parameter.detach() - start)).sum())
        for parameter, start in zip(parameters, before, strict=True)
        if parameter.grad is not None
    )
