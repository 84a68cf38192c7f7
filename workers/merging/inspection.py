"""What merging could save, before any training: bytes per model, heavy layers, pairwise and total optimum."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import msgspec
from torch import nn

from edge_runtime.vision.inventory import Layer, layer_inventory
from workers.merging.matching import maximal_configuration
from workers.merging.memory import layer_content, model_entries, workload_bytes

HEAVIEST_SHARE = 0.15


class ModelReport(msgspec.Struct, frozen=True):
    """`heaviest_fraction`: the share of the model's bytes in the heaviest 15 % of its layers."""

    query: str
    architecture: str
    bytes: int
    layers: int
    heaviest_fraction: float


class PairReport(msgspec.Struct, frozen=True):
    queries: tuple[str, str]
    saved_bytes: int
    saved_fraction: float


class WorkloadReport(msgspec.Struct, frozen=True):
    """`optimum_bytes`: what sharing every identical layer would save."""

    bytes: int
    optimum_bytes: int
    optimum_fraction: float
    models: tuple[ModelReport, ...]
    pairs: tuple[PairReport, ...]


def inspect_workload(networks: Mapping[str, nn.Module], architectures: Mapping[str, str]) -> WorkloadReport:
    """`networks`: query -> original."""
    entries = {name: model_entries(network.state_dict()) for name, network in networks.items()}
    inventories = {name: layer_inventory(network) for name, network in networks.items()}
    contents = {
        (name, layer.name): layer_content(entries[name], layer.name)
        for name, layers in inventories.items()
        for layer in layers
    }

    def optimum(names: Sequence[str]) -> int:
        return maximal_configuration({name: inventories[name] for name in names}, contents).saved_bytes

    total, saved = workload_bytes(entries), optimum(list(networks))
    models = tuple(
        ModelReport(
            name,
            architectures[name],
            workload_bytes({name: entries[name]}),
            len(inventories[name]),
            _heaviest_fraction(inventories[name], workload_bytes({name: entries[name]})),
        )
        for name in networks
    )
    pairs = tuple(
        PairReport(pair, found, found / workload_bytes({name: entries[name] for name in pair}))
        for pair in combinations(networks, 2)
        if (found := optimum(pair))
    )
    return WorkloadReport(total, saved, saved / total, models, pairs)


def _heaviest_fraction(layers: Sequence[Layer], model_bytes: int) -> float:
    sizes = sorted((layer.size_bytes for layer in layers), reverse=True)
    return sum(sizes[: max(1, round(HEAVIEST_SHARE * len(sizes)))]) / model_bytes
