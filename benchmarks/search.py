"""The scale of the search itself: inventory, grouping, inspection and the strategies' decisions, without training.

`make bench-search`. Two hundred models of a mixed zoo are built as skeletons (no weights; every query is given contents
of its own, so nothing is hashed), and the same with half as many: what is linear takes twice as long.
"""

import argparse
import itertools
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import nn

from benchmarks.machine import save
from edge_runtime.protocol.manifest import TensorEntry
from edge_runtime.vision.architectures import build
from edge_runtime.vision.inventory import Layer, layer_inventory
from edge_runtime.vision.spec import ModelSpec
from workers.merging.configuration import MergeConfiguration
from workers.merging.events import Basis, QueryFigures
from workers.merging.history import Attempt, History, Proposal
from workers.merging.inspection import InspectedModel, inspect_workload
from workers.merging.matching import Match, maximal_configuration
from workers.merging.strategies import strategy, strategy_names

ZOO = (
    *("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "vgg16", "vgg19", "alexnet"),
    *("mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large", "densenet121", "squeezenet1_1", "efficientnet_b0"),
    *("fasterrcnn_resnet50_fpn", "retinanet_resnet50_fpn", "ssd300_vgg16", "ssdlite320_mobilenet_v3_large"),
)
CLASSES = ("background", "car", "person")
SIZES = {"ssd300_vgg16": (300, 300), "ssdlite320_mobilenet_v3_large": (320, 320)}
MEETS_TARGET = 0.8  # probability per query and attempt in the made-up searches

Inventories = Mapping[str, Sequence[Layer]]
Contents = Mapping[tuple[str, str], str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    networks = [build(ModelSpec(name, CLASSES, SIZES.get(name, (224, 224))), "meta") for name in ZOO]
    counts = (arguments.models // 2, arguments.models)
    runs = [measured(fleet(networks, count), arguments.repeats) for count in counts]
    half, whole = (run["cpu_seconds"] for run in runs)
    ratios = {step: round(whole[step] / half[step], 2) for step in whole}
    print(f"{'':24}{counts[0]:>10}{counts[1]:>10}     ratio")
    for step, ratio in ratios.items():
        print(f"{step:24}{half[step]:>9.3f}s{whole[step]:>9.3f}s{ratio:>10.2f}")
    for run in runs:
        print(f"{run['models']} models, {run['layers']} layers: {run['searches']}")
    print(f"Written to {save('search', {'zoo': ZOO, 'repeats': arguments.repeats, 'runs': runs, 'ratios': ratios})}")


def fleet(networks: Sequence[nn.Module], count: int) -> dict[str, nn.Module]:
    return dict(zip((f"query {number:03}" for number in range(count)), itertools.cycle(networks), strict=False))


def measured(networks: Mapping[str, nn.Module], repeats: int) -> dict[str, Any]:
    """Median CPU seconds of every step: all of it runs on one thread, and others may be using the machine."""
    inventories = {query: layer_inventory(network) for query, network in networks.items()}
    contents = {
        (query, layer.name): f"{query} {layer.name}" for query, layers in inventories.items() for layer in layers
    }
    models = {query: _model(query, networks[query], layers) for query, layers in inventories.items()}
    cpu_seconds: dict[str, float] = {}

    def clocked(step: str, act: Callable[[], Any]) -> Any:
        times, result = [], None
        for _ in range(repeats):
            started = time.process_time()
            result = act()
            times.append(time.process_time() - started)
        cpu_seconds[step] = round(statistics.median(times), 4)
        return result

    clocked("inventory", lambda: {query: layer_inventory(network) for query, network in networks.items()})
    maximal = clocked("grouping", lambda: maximal_configuration(inventories, contents))
    clocked("grouping by shape", lambda: maximal_configuration(inventories, contents, Match.SHAPE))
    cpu_seconds["inventory and grouping"] = round(cpu_seconds["inventory"] + cpu_seconds["grouping"], 4)
    clocked("inspection", lambda: inspect_workload(models))
    history = History(maximal, layers={q: tuple(layer.name for layer in layers) for q, layers in inventories.items()})
    searches = {name: searched(name, history) for name in strategy_names()}
    return {
        "models": len(networks),
        "layers": sum(map(len, inventories.values())),
        "groups": len(maximal.groups),
        "searches": searches,
        "cpu_seconds": cpu_seconds,
    }


def _model(query: str, network: nn.Module, layers: tuple[Layer, ...]) -> InspectedModel:
    """With digests that no other query has."""
    entries = {
        name: TensorEntry(f"{query} {name}", str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape))
        for name, tensor in network.state_dict().items()
    }
    return InspectedModel("mixed", layers, entries)


def searched(name: str, history: History) -> dict[str, Any]:
    """A whole search where each query meets its target by chance: every decision, but no training.

    `decision_ms`: median of the strategy's own time per attempt.
    """
    chance, chosen = random.Random(1), strategy(name)
    times: list[float] = []
    while True:
        started = time.process_time()
        proposal = chosen.next_proposal(history)
        times.append(time.process_time() - started)
        if proposal is None:
            return {"attempts": len(history.attempts), "decision_ms": round(1000 * statistics.median(times), 2)}
        history = replace(history, attempts=(*history.attempts, _attempt(proposal, history, chance)))


def _attempt(proposal: Proposal, history: History, chance: random.Random) -> Attempt:
    accepted = history.attempts[-1].accepted.groups if history.attempts else frozenset()
    figures: dict[str, QueryFigures] = {}
    for merged in proposal.configuration.merged_groups:
        if merged.groups <= accepted:
            continue
        met = {query: chance.random() < MEETS_TARGET for query in merged.queries}
        figures |= {query: _figures(query, is_met=is_met) for query, is_met in met.items()}
        if all(met.values()):
            accepted = merged.groups.union(group for group in accepted if group.queries.isdisjoint(merged.queries))
    return Attempt(proposal.configuration, MergeConfiguration(accepted), figures)


def _figures(query: str, *, is_met: bool) -> QueryFigures:
    return QueryFigures(query, 1.0, 1.0, 1.0, 1.0, 1.0, Basis.AGREEMENT, 0.95, is_met)


if __name__ == "__main__":
    main()
