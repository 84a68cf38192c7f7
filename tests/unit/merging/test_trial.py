"""One configuration put to the test, on noise pictures: rules of a trial, not what training can reach."""

import copy

import torch

from edge_runtime.vision.architectures import build
from edge_runtime.vision.inventory import layer_inventory
from workers.merging.configuration import MergeConfiguration
from workers.merging.history import Attempt
from workers.merging.matching import maximal_configuration
from workers.merging.normalisation import reestimate_normalisation
from workers.merging.sharing import SharedNetworks
from workers.merging.training import TrainingSettings
from workers.merging.trial import AcceptedGroup, Trial, TrialSettings

CPU = torch.device("cpu")
QUICK = TrainingSettings(batch=4, least_steps=3, most_steps=3, evaluate_every=1)


class Recorder:
    """An observer that never stops a trial and keeps what it hears."""

    def __init__(self) -> None:
        self.groups: list[AcceptedGroup] = []
        self.evaluations: list[int] = []  # the steps they came after
        self.steps = 0
        self.shared: SharedNetworks | None = None
        self.attempt: Attempt | None = None

    def should_stop(self) -> bool:
        return False

    def resumed(self, training) -> None:
        pass

    def steps_affordable(self, training) -> int:
        return training.planned

    def between_steps(self, trial, training) -> None:
        pass

    def progressed(self, training) -> None:
        self.steps = training.step_number

    def evaluated(self, configuration, figures) -> None:
        self.evaluations.append(self.steps)

    def accepted(self, group: AcceptedGroup) -> None:
        self.groups.append(group)


def everything_shared(queries) -> tuple[SharedNetworks, MergeConfiguration]:
    networks = {query.name: copy.deepcopy(query.original).requires_grad_(True) for query in queries}
    inventories = {name: layer_inventory(network) for name, network in networks.items()}
    contents = {(name, layer.name): f"{name} {layer.name}" for name, layers in inventories.items() for layer in layers}
    return SharedNetworks(networks), maximal_configuration(inventories, contents)


def tried(queries, *, kept: MergeConfiguration = MergeConfiguration(), configuration=None, **wishes) -> Recorder:
    recorder = Recorder()
    shared, maximal = everything_shared(queries)
    recorder.shared = shared
    settings = TrialSettings(**{"training": QUICK, "seed": 1, "device": CPU, "needs_targets": False, **wishes})
    recorder.attempt = Trial(
        configuration or maximal, kept, queries=queries, shared=shared, settings=settings, observer=recorder
    ).run()
    return recorder


def test_ships_statistics_of_the_very_weights_that_are_shipped(make_query):
    queries = [make_query(name, seed=seed) for seed, name in enumerate("ab")]
    (group,) = tried(queries).groups
    for query in queries:
        state = group.states[query.name]
        network = build(query.spec)
        network.load_state_dict(state)
        reestimate_normalisation(network, query.train, CPU)
        again = network.state_dict()
        assert all(torch.equal(again[name], tensor) for name, tensor in state.items())


def test_looks_early_and_then_every_so_many_steps(make_query):
    queries = [make_query(name, seed=seed) for seed, name in enumerate("ab")]
    training = TrainingSettings(batch=2, least_steps=25, most_steps=25, evaluate_every=12)
    assert tried(queries, training=training).evaluations == [0, 10, 12, 24, 25]


def test_leaves_no_gradients_behind(make_query):
    queries = [make_query(name, seed=seed) for seed, name in enumerate("ab")]
    shared = tried(queries).shared
    assert all(parameter.grad is None for parameter in shared.parameters(shared.networks))


def test_accepts_on_the_way_what_holds_without_the_query_that_never_will(make_query):
    """Targets of 0 and of more than 1 leave nothing to chance."""
    queries = [
        make_query(name, target=target, seed=seed) for name, target, seed in (("a", 0, 1), ("b", 0, 2), ("c", 2, 3))
    ]
    recorder = tried(queries, needs_targets=True, accepts_on_the_way=True)
    (group,) = recorder.groups
    assert group.merged.queries == ("a", "b")
    assert {place.query for group in recorder.attempt.rejected_groups for place in group.places} == {"a", "b", "c"}
    assert not tried(queries, needs_targets=True).groups


def test_gives_up_nothing_that_saves_more_for_what_holds_now(make_query):
    queries = [make_query(name, target=0, seed=seed) for seed, name in enumerate("abc")]
    _, everything = everything_shared(queries)
    kept = everything.without_places(place for place in everything.group_at if place.query == "c")
    least = MergeConfiguration(frozenset({everything.ordered()[-1]}))
    assert not tried(queries, kept=kept, configuration=least, needs_targets=True).groups
    assert tried(queries, configuration=least, needs_targets=True).groups
