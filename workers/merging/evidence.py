"""Where sharing hurts: per place, how much its query would gain per byte from weights of its own.

Near the end of joint training the gradients of the queries on a shared tensor cancel out. What one query's loss would
fall by if the tensor were its own is, to first order, its squared gradient; where the others pull the same way,
sharing is not what holds it back. Gradient conflict: Yu et al., Gradient Surgery (NeurIPS 2020).
"""

from collections.abc import Iterable, Sequence

import torch

from workers.merging.configuration import LayerPlace, SharedLayerGroup
from workers.merging.queries import MergingQuery
from workers.merging.sharing import SharedNetworks
from workers.merging.training import JointTraining

BATCHES = 4  # averaged, so that the noise of single batches does not pass for conflict


def conflict_by_place(
    shared: SharedNetworks, training: JointTraining, groups: Iterable[SharedLayerGroup]
) -> dict[LayerPlace, float]:
    """At least 0; leaves weights as they are. Uses some of the training's next batches."""
    by_query = {query.name: query for query in training.queries}
    wanted = [group for group in groups if group.queries <= by_query.keys()]
    parameters = [shared.shared_parameters(group) for group in wanted]
    flat = [parameter for group in parameters for parameter in group]
    gradients = {name: _gradient(training, query, flat) for name, query in by_query.items()} if flat else {}
    found: dict[LayerPlace, float] = {}
    start = 0
    for group, own in zip(wanted, parameters, strict=True):
        pulls = {
            name: torch.cat([g.flatten() for g in gradients[name][start : start + len(own)]]) for name in group.queries
        }
        start += len(own)
        for place in group.places:
            found[place] = (
                conflict(pulls[place.query], [pulls[q] for q in sorted(pulls) if q != place.query]) / group.size_bytes
            )
    return found


def conflict(own: torch.Tensor, others: Sequence[torch.Tensor]) -> float:
    """Squared length of `own`, scaled by how much the others pull against it: 0 for the same way, 1 for opposite."""
    rest = torch.stack(list(others)).sum(dim=0)
    lengths = float(own.norm() * rest.norm())
    cosine = float(own @ rest) / lengths if lengths > 0 else 0.0
    return float(own.square().sum()) * (1 - cosine) / 2


def _gradient(
    training: JointTraining, query: MergingQuery, parameters: Sequence[torch.nn.Parameter]
) -> list[torch.Tensor]:
    """Mean gradient of the query's loss; zeros where it does not use a parameter."""
    total = [torch.zeros_like(parameter) for parameter in parameters]
    for _ in range(BATCHES):
        parts = torch.autograd.grad(training.loss(query), list(parameters), allow_unused=True)
        for held, part in zip(total, parts, strict=True):
            if part is not None:
                held += part / BATCHES
    return total
