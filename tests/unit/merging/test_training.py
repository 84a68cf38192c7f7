from dataclasses import replace

import pytest
import torch

from workers.merging.matching import maximal_configuration
from workers.merging.precision import Precision, precision_for
from workers.merging.sharing import SharedNetworks
from workers.merging.shipped import RunningAverage, as_shipped, snapshot
from workers.merging.training import JointTraining, TrainingDiverged, TrainingSettings, learning_rate

CPU = torch.device("cpu")
SETTINGS = TrainingSettings(batch=4, least_steps=4, most_steps=4)


def shared_networks(queries):
    from edge_runtime.vision.inventory import layer_inventory

    networks = {query.name: query.original.requires_grad_(True) for query in queries}
    inventories = {name: layer_inventory(network) for name, network in networks.items()}
    contents = {(name, layer.name): f"{name} {layer.name}" for name, layers in inventories.items() for layer in layers}
    shared = SharedNetworks(networks)
    shared.apply(maximal_configuration(inventories, contents))
    return shared


def test_rises_for_a_tenth_of_the_steps_then_falls_to_a_fiftieth():
    rates = [learning_rate(step, 100, 1.0) for step in range(101)]
    assert rates[9] == rates[10] == 1.0
    assert rates[:10] == sorted(rates[:10])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[100] == pytest.approx(0.02)


def test_plans_passes_within_its_limits():
    settings = TrainingSettings(batch=10, passes=2.0, least_steps=5, most_steps=100)
    assert [settings.planned_steps(frames) for frames in (10, 200, 5000)] == [5, 40, 100]


def test_steps_every_shared_parameter_once_per_joint_step(make_query):
    queries = [make_query("a", seed=1), make_query("b", seed=2)]
    shared = shared_networks(queries)
    training = JointTraining(shared, queries, SETTINGS, seed=1, device=CPU)
    training.step()
    states = training.optimiser_states()
    assert {id(p) for p in shared.parameters(["a", "b"])} == set(states)
    assert set(states.values()) == {1}
    assert training.samples_seen == 2 * 4


def test_repeats_exactly_under_a_seed(make_query):
    def trained() -> dict[str, torch.Tensor]:
        torch.manual_seed(0)
        queries = [make_query("a", seed=1), make_query("b", seed=2)]
        shared = shared_networks(queries)
        training = JointTraining(shared, queries, SETTINGS, seed=1, device=CPU)
        training.step()
        training.step()
        return snapshot(shared.networks["a"])

    first, second = trained(), trained()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_says_when_training_diverges(make_query):
    queries = [make_query("a", seed=1), make_query("b", seed=2)]
    shared = shared_networks(queries)
    with torch.no_grad():
        shared.networks["a"].fc.weight.fill_(float("nan"))
    with pytest.raises(TrainingDiverged):
        JointTraining(shared, queries, SETTINGS, seed=1, device=CPU).step()


def test_leaves_accepted_queries_untouched(make_query):
    queries = [make_query("a", seed=1), make_query("b", seed=2)]
    shared = SharedNetworks({query.name: query.original.requires_grad_(True) for query in queries})
    training = JointTraining(shared, queries, SETTINGS, seed=1, device=CPU)
    training.step()
    training.leave(["a"])
    before = snapshot(shared.networks["a"])
    training.step()
    assert all(torch.equal(before[name], tensor) for name, tensor in shared.networks["a"].state_dict().items())


def test_ships_the_rounded_average_and_gives_training_its_weights_back(pairs):
    average = RunningAverage(0.9)
    average.update(pairs)
    before = snapshot(pairs["a"])
    with torch.no_grad():
        for parameter in pairs["a"].parameters():
            parameter.add_(100.0)
    with as_shipped(pairs, average=average, rounding=torch.float16):
        shipped = snapshot(pairs["a"])
    assert torch.equal(shipped["first.weight"], before["first.weight"].half().float())
    torch.testing.assert_close(pairs["a"].first.weight.detach(), before["first.weight"] + 100.0)


def test_lets_a_query_join_every_second_step_only(make_query):
    queries = [make_query("a", seed=1), make_query("b", seed=2)]
    shared = shared_networks(queries)
    training = JointTraining(shared, queries, SETTINGS, seed=1, device=CPU)
    training.turns = {"a": 2, "b": 1}
    seen = []
    for _ in range(4):
        training.step()
        seen.append(training.samples_seen)
    assert seen == [8, 12, 20, 24]
    private = shared.networks["a"].bn1.weight
    assert training.optimiser_states()[id(private)] == 2
    assert training.optimiser_states()[id(shared.networks["a"].conv1.weight)] == 4


def test_keeps_nothing_of_queries_that_left(make_query):
    queries = [make_query("a", seed=1), make_query("b", seed=2)]
    shared = shared_networks(queries)
    training = JointTraining(shared, queries, SETTINGS, seed=1, device=CPU)
    training.step()
    own = shared.networks["a"].bn1.weight
    training.leave(["a"])
    assert own.grad is None
    assert id(own) not in training.optimiser_states()
    assert training.average.of(own).data_ptr() == own.data_ptr()
    assert shared.networks["a"].conv1.weight.grad is not None  # "b" still trains it
    training.leave(["b"])
    assert training.optimiser_states() == {}
    assert all(parameter.grad is None for parameter in shared.parameters(["a", "b"]))


def test_trains_in_mixed_precision_with_weights_in_full(make_query):
    def trained(precision: Precision) -> tuple[float, SharedNetworks]:
        queries = [make_query("a", seed=1), make_query("b", seed=2)]
        shared = shared_networks(queries)
        training = JointTraining(shared, queries, replace(SETTINGS, precision=precision), seed=1, device=CPU)
        return training.step(), shared

    full, _ = trained(Precision.FULL)
    mixed, shared = trained(Precision.BFLOAT16)
    assert mixed == pytest.approx(full, rel=0.05)
    assert mixed != full  # bfloat16 keeps 8 bits
    parameters = shared.parameters(["a", "b"])
    assert {parameter.dtype for parameter in parameters} == {torch.float32}
    assert {parameter.grad.dtype for parameter in parameters} == {torch.float32}


def test_trains_in_full_precision_on_a_cpu():
    assert precision_for(CPU) is Precision.FULL
