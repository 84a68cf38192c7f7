import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from edge_runtime.vision.inventory import layer_inventory
from workers.merging.configuration import LayerPlace, MergeConfiguration, SharedLayerGroup
from workers.merging.matching import maximal_configuration
from workers.merging.memory import layer_content, model_entries, workload_bytes
from workers.merging.sharing import Initialisation, SharedNetworks, SharingError


def linears() -> dict[str, nn.Module]:
    torch.manual_seed(5)
    return {name: nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Linear(3, 1)) for name in "abc"}


def maximal(networks: dict[str, nn.Module], *, joins_repeats: bool = False) -> MergeConfiguration:
    inventories = {name: layer_inventory(network) for name, network in networks.items()}
    entries = {name: model_entries(network.state_dict()) for name, network in networks.items()}
    contents = {
        (name, layer.name): layer_content(entries[name], layer.parameters)
        for name, layers in inventories.items()
        for layer in layers
    }
    return maximal_configuration(inventories, contents, joins_repeats=joins_repeats)


def measured_bytes(networks: dict[str, nn.Module]) -> int:
    return workload_bytes({name: model_entries(network.state_dict()) for name, network in networks.items()})


def distinct_bytes_by_identity(networks: dict[str, nn.Module]) -> int:
    tensors = {id(t): t for n in networks.values() for t in (*n.parameters(), *n.buffers())}
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())


def one_group(*places: tuple[str, str]) -> SharedLayerGroup:
    return SharedLayerGroup("s", 48, tuple(LayerPlace(query, layer, f"{query}{layer}") for query, layer in places))


def test_puts_one_parameter_in_every_place():
    networks = linears()
    SharedNetworks(networks).apply(maximal(networks))
    for layer in ("0", "1", "3"):
        assert len({id(network.get_submodule(layer).weight) for network in networks.values()}) == 1
        assert len({id(network.get_submodule(layer).bias) for network in networks.values()}) == 1


def test_leaves_normalisation_private():
    networks = linears()
    SharedNetworks(networks).apply(maximal(networks))
    assert len({id(network[2].weight) for network in networks.values()}) == 3


def test_starts_from_the_mean_of_the_members():
    networks = linears()
    expected = sum(network[0].weight.detach().clone() for network in networks.values()) / 3
    SharedNetworks(networks).apply(maximal(networks), Initialisation.MEAN)
    torch.testing.assert_close(networks["a"][0].weight.detach(), expected)


def test_starts_from_the_first_donor():
    networks = linears()
    expected = networks["c"][0].weight.detach().clone()
    SharedNetworks(networks, donors=["c", "a", "b"]).apply(maximal(networks), Initialisation.MEMBER)
    assert torch.equal(networks["a"][0].weight, expected)


def test_tells_whose_weights_changed():
    networks = linears()
    shared = SharedNetworks(networks)
    pair = MergeConfiguration(frozenset({one_group(("a", "0"), ("b", "0"))}))
    assert shared.apply(pair) == {"a", "b"}
    assert shared.apply(pair) == frozenset()


def test_gives_a_leaving_place_its_own_copy_of_the_current_weights():
    networks = linears()
    shared = SharedNetworks(networks)
    shared.apply(MergeConfiguration(frozenset({one_group(("a", "0"), ("b", "0"), ("c", "0"))})))
    with torch.no_grad():
        networks["a"][0].weight.fill_(7)
    shared.apply(MergeConfiguration(frozenset({one_group(("a", "0"), ("b", "0"))})))
    assert networks["a"][0].weight is networks["b"][0].weight
    assert networks["c"][0].weight is not networks["a"][0].weight
    assert torch.equal(networks["c"][0].weight, torch.full((3, 3), 7.0))


def test_divides_a_group_into_two_with_weights_of_their_own():
    torch.manual_seed(1)
    networks = {name: nn.Sequential(nn.Linear(3, 3)) for name in "abcd"}
    shared = SharedNetworks(networks)
    shared.apply(MergeConfiguration(frozenset({one_group(("a", "0"), ("b", "0"), ("c", "0"), ("d", "0"))})))
    halves = frozenset({one_group(("a", "0"), ("b", "0")), one_group(("c", "0"), ("d", "0"))})
    shared.apply(MergeConfiguration(halves))
    assert networks["a"][0].weight is networks["b"][0].weight
    assert networks["c"][0].weight is networks["d"][0].weight
    assert networks["a"][0].weight is not networks["c"][0].weight


def test_lists_a_shared_parameter_once_however_many_places_use_it():
    networks = linears()
    shared = SharedNetworks(networks)
    before = len(shared.parameters("abc"))
    shared.apply(maximal(networks))
    assert before - len(shared.parameters("abc")) == 2 * 6  # three layers with weight and bias, two copies fewer each


def test_steps_a_shared_parameter_once_with_the_sum_of_its_gradients():
    networks = linears()
    shared = SharedNetworks(networks)
    shared.apply(maximal(networks))
    weight = networks["a"][3].weight
    before = weight.detach().clone()
    optimiser = torch.optim.SGD(shared.parameters("abc"), lr=0.5)
    for network in networks.values():
        network[3](torch.ones(1, 3)).sum().backward()
    optimiser.step()
    torch.testing.assert_close(before - weight.detach(), torch.full((1, 3), 0.5 * 3))


def test_refuses_layers_of_different_shapes():
    networks = {"a": nn.Sequential(nn.Linear(2, 2)), "b": nn.Sequential(nn.Linear(3, 3))}
    with pytest.raises(SharingError):
        SharedNetworks(networks).apply(MergeConfiguration(frozenset({one_group(("a", "0"), ("b", "0"))})))


def test_measures_exactly_the_bytes_that_the_configuration_promises():
    networks = linears()
    configuration = maximal(networks)
    before = measured_bytes(networks)
    SharedNetworks(networks).apply(configuration)
    assert before - measured_bytes(networks) == configuration.saved_bytes


def test_a_growing_group_goes_on_with_the_weights_that_its_members_share():
    networks = linears()
    shared = SharedNetworks(networks, donors=["c", "b", "a"])
    shared.apply(MergeConfiguration(frozenset({one_group(("a", "0"), ("b", "0"))})), Initialisation.MEMBER)
    with torch.no_grad():
        networks["a"][0].weight.fill_(7)
    shared.apply(MergeConfiguration(frozenset({one_group(("a", "0"), ("b", "0"), ("c", "0"))})), Initialisation.MEMBER)
    assert torch.equal(networks["c"][0].weight, torch.full((3, 3), 7.0))


def test_repeated_layers_of_one_model_can_share_too():
    networks = linears()
    configuration = maximal(networks, joins_repeats=True)
    before = measured_bytes(networks)
    shared = SharedNetworks(networks)
    shared.apply(configuration)
    assert networks["a"][0].weight is networks["a"][1].weight is networks["b"][1].weight
    assert before - measured_bytes(networks) == configuration.saved_bytes > maximal(linears()).saved_bytes
    assert len(shared.parameters("abc")) == 2 + 2 + 3 * 2  # one square layer, one last layer, private normalisation


@settings(max_examples=25)
@given(st.data())
def test_never_needs_more_memory_with_more_sharing(data: st.DataObject):
    networks = linears()
    shared = SharedNetworks(networks)
    configuration = maximal(networks)
    shared.apply(configuration)
    bytes_before = distinct_bytes_by_identity(networks)
    places = sorted(place for group in configuration.groups for place in group.places)
    smaller = configuration.without_places(data.draw(st.sets(st.sampled_from(places))))
    shared.apply(smaller)
    assert distinct_bytes_by_identity(networks) >= bytes_before
    assert distinct_bytes_by_identity(networks) - bytes_before == configuration.saved_bytes - smaller.saved_bytes
