"""What merging could save, before any training: bytes per model, heavy layers, pairwise and total optimum.

Reads every weights file once, one at a time, and no frames. Pairs are counted through the groups of alike layers, so
the work grows with the layers, not with layers times pairs.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import msgspec
import numpy as np
from torch import nn

from edge_runtime.protocol.manifest import TensorEntry
from edge_runtime.vision.inventory import Layer, layer_inventory
from workers.merging.configuration import MergeConfiguration
from workers.merging.matching import Match, maximal_configuration
from workers.merging.memory import layer_content, model_entries, workload_bytes
from workers.merging.originals import load_original
from workers.merging.workload import ModelPart, WorkloadFile

HEAVIEST_SHARE = 0.15


class ModelReport(msgspec.Struct, frozen=True):
    """`heaviest_fraction`: the share of the model's bytes in the heaviest 15 % of its layers."""

    query: str
    architecture: str
    bytes: int
    layers: int
    heaviest_fraction: float


class PairReport(msgspec.Struct, frozen=True):
    """Only pairs that could save something. `saved_fraction`: of the bytes of both together."""

    queries: tuple[str, str]
    saved_bytes: int
    saved_fraction: float


class WorkloadReport(msgspec.Struct, frozen=True):
    """`bytes` of all models, each distinct tensor once. `optimum_bytes`: what sharing every alike layer would save."""

    bytes: int
    optimum_bytes: int
    optimum_fraction: float
    models: tuple[ModelReport, ...]
    pairs: tuple[PairReport, ...]
    match: Match = Match.EXACT


@dataclass(frozen=True)
class InspectedModel:
    """What is looked at of one model: no weights, so that a whole fleet's fit into memory."""

    architecture: str
    layers: tuple[Layer, ...]
    entries: Mapping[str, TensorEntry]


def inspected(architecture: str, network: nn.Module) -> InspectedModel:
    return InspectedModel(architecture, layer_inventory(network), model_entries(network.state_dict()))


def inspect_file(file: WorkloadFile, match: Match = Match.EXACT) -> WorkloadReport:
    """Queries that name the same model have it read once. Raises what load_original raises."""
    models: dict[ModelPart, InspectedModel] = {}
    for part in file.workload.queries:
        if part.model not in models:
            models[part.model] = inspected(part.model.architecture, load_original(file, part))
    return inspect_workload({part.name: models[part.model] for part in file.workload.queries}, match)


def inspect_workload(models: Mapping[str, InspectedModel], match: Match = Match.EXACT) -> WorkloadReport:
    """`models`: by query."""
    contents = {
        (query, layer.name): layer_content(model.entries, layer.parameters)
        for query, model in models.items()
        for layer in model.layers
    }
    maximal = maximal_configuration({query: model.layers for query, model in models.items()}, contents, match)
    total = workload_bytes({query: model.entries for query, model in models.items()})
    reports = tuple(_model_report(query, model) for query, model in models.items())
    return WorkloadReport(
        total, maximal.saved_bytes, maximal.saved_bytes / total, reports, _pair_reports(models, maximal), match
    )


def _model_report(query: str, model: InspectedModel) -> ModelReport:
    size = workload_bytes({query: model.entries})
    return ModelReport(query, model.architecture, size, len(model.layers), _heaviest_fraction(model.layers, size))


def _heaviest_fraction(layers: Sequence[Layer], model_bytes: int) -> float:
    sizes = sorted((layer.size_bytes for layer in layers), reverse=True)
    return sum(sizes[: max(1, round(HEAVIEST_SHARE * len(sizes)))]) / model_bytes


def _pair_reports(models: Mapping[str, InspectedModel], maximal: MergeConfiguration) -> tuple[PairReport, ...]:
    number = {query: n for n, query in enumerate(models)}
    saved = _saved_by_pair(number, maximal)
    common = _common_by_pair(number, models)
    own = [workload_bytes({query: model.entries}) for query, model in models.items()]
    return tuple(
        PairReport((first, second), int(saved[a, b]), int(saved[a, b]) / (own[a] + own[b] - int(common[a, b])))
        for (first, a), (second, b) in combinations(number.items(), 2)
        if saved[a, b]
    )


def _saved_by_pair(number: Mapping[str, int], maximal: MergeConfiguration) -> np.ndarray:
    """(n, n) int64, bytes: what each two queries would save without the others."""
    saved = np.zeros((len(number), len(number)), dtype=np.int64)
    for group in maximal.groups:
        members = [number[place.query] for place in group.places]
        contents = np.unique([place.content for place in group.places], return_inverse=True)[1]
        saved[np.ix_(members, members)] += group.size_bytes * (contents[:, None] != contents)
    return saved


def _common_by_pair(number: Mapping[str, int], models: Mapping[str, InspectedModel]) -> np.ndarray:
    """(n, n) int64, bytes of tensors that both use already."""
    users: defaultdict[tuple[str, int], set[int]] = defaultdict(set)
    for query, model in models.items():
        for entry in model.entries.values():
            users[entry.digest, entry.size_bytes].add(number[query])
    common = np.zeros((len(number), len(number)), dtype=np.int64)
    for (_, size), members in users.items():
        if len(members) > 1:
            common[np.ix_(sorted(members), sorted(members))] += size
    return common
