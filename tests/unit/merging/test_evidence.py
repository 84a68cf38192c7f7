"""Constructed conflicts: which layer has to be given up is known, because the originals were made to differ there."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from edge_runtime.vision.inventory import layer_inventory
from edge_runtime.vision.spec import ModelSpec, Task
from workers.merging.evidence import conflict_by_place
from workers.merging.frames import FrameSet
from workers.merging.matching import maximal_configuration
from workers.merging.queries import MergingQuery, merging_query
from workers.merging.sharing import SharedNetworks
from workers.merging.shipped import snapshot
from workers.merging.splits import Splits
from workers.merging.training import JointTraining, TrainingSettings
from workers.merging.workload import FolderData, ModelPart, QueryPart

CPU = torch.device("cpu")
CLASSES, SIZE, WIDTH = ("a", "b", "c"), (2, 8), 48
SETTINGS = TrainingSettings(batch=16, peak_rate=3e-3, least_steps=80, most_steps=80)


class Plain(nn.Module):
    """Three layers of one size, so that bytes do not decide, and a last one."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.last = nn.Linear(WIDTH, len(CLASSES))
        for layer in self.layers:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        out = batch.flatten(1)
        for layer in self.layers:
            out = layer(out).relu()
        logits: torch.Tensor = self.last(out)
        return logits


def query(name: str, original: nn.Module) -> MergingQuery:
    spec = ModelSpec("resnet18_w24", CLASSES, SIZE)  # its pictures and losses; the network is ours
    model = ModelPart(architecture=spec.architecture, weights="unused", classes=CLASSES, input_size=SIZE)
    part = QueryPart(name=name, task=Task.CLASSIFICATION, model=model, data=FolderData("unused"), accuracy_target=0.95)
    pictures = np.random.default_rng(5).integers(0, 255, (3, 128, *SIZE, 3), dtype=np.uint8)
    frames = Splits(*(FrameSet(spec, some, (None,) * len(some)) for some in pictures))
    return merging_query(part, original.requires_grad_(False), frames, CPU)


def trained_together(differing: int, seed: int) -> tuple[SharedNetworks, JointTraining, list]:
    """Queries a and b have equal originals, c's differs from them in one layer; all layers are shared and trained."""
    torch.manual_seed(seed)
    base = Plain()
    odd = copy.deepcopy(base)
    nn.init.kaiming_normal_(odd.layers[differing].weight, nonlinearity="relu")
    queries = [query("a", base), query("b", copy.deepcopy(base)), query("c", odd)]
    networks = {one.name: copy.deepcopy(one.original).requires_grad_(True) for one in queries}
    inventories = {name: layer_inventory(network) for name, network in networks.items()}
    contents = {(name, layer.name): f"{name} {layer.name}" for name, layers in inventories.items() for layer in layers}
    shared, configuration = SharedNetworks(networks), maximal_configuration(inventories, contents)
    shared.apply(configuration)
    training = JointTraining(shared, queries, SETTINGS, seed=seed, device=CPU)
    for _ in range(SETTINGS.most_steps):
        training.step()
    return shared, training, list(configuration.ordered())


@pytest.mark.parametrize("differing", [0, 1, 2])
def test_finds_the_layer_in_which_a_query_conflicts(differing: int):
    shared, training, groups = trained_together(differing, seed=differing)
    found = conflict_by_place(shared, training, groups, failing=["c"])
    among = {place.layer: value for place, value in found.items() if place.query == "c" and place.layer != "last"}
    assert max(among, key=among.__getitem__) == f"layers.{differing}"


def test_asks_only_for_queries_that_fail_and_leaves_all_weights_as_they_are():
    shared, training, groups = trained_together(1, seed=1)
    before, seen = {name: snapshot(network) for name, network in shared.networks.items()}, training.samples_seen
    found = conflict_by_place(shared, training, groups, failing=["c"])
    assert {place for group in groups for place in group.places} == set(found)
    assert all(value == 0.0 for place, value in found.items() if place.query != "c")
    assert all(value >= 0.0 for value in found.values())
    assert training.samples_seen - seen == 30 * SETTINGS.batch
    for name, network in shared.networks.items():
        assert all(torch.equal(before[name][key], tensor) for key, tensor in network.state_dict().items())
