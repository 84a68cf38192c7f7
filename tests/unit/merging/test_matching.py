from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from workers.merging.configuration import MergeConfiguration
from workers.merging.matching import Match, maximal_configuration, shareable_groups


@dataclass(frozen=True)
class FakeLayer:
    name: str
    signature: str
    size_bytes: int = 10
    kind: str = "Conv2d"
    shape: str = ""


def contents(inventories: dict[str, list[FakeLayer]]) -> dict[tuple[str, str], str]:
    return {(query, layer.name): f"{query} {layer.name}" for query, layers in inventories.items() for layer in layers}


def found(inventories: dict[str, list[FakeLayer]]) -> list[list[tuple[str, str]]]:
    groups = shareable_groups(inventories, contents(inventories))
    return sorted([(place.query, place.layer) for place in group.places] for group in groups)


def test_pairs_the_kth_occurrence_with_the_kth():
    inventories = {
        "a": [FakeLayer("a1", "s"), FakeLayer("a2", "s"), FakeLayer("a3", "s")],
        "b": [FakeLayer("b1", "s"), FakeLayer("other", "t"), FakeLayer("b2", "s")],
    }
    assert found(inventories) == [[("a", "a1"), ("b", "b1")], [("a", "a2"), ("b", "b2")]]


def test_finds_nothing_inside_one_model():
    assert found({"a": [FakeLayer("x", "s"), FakeLayer("y", "s")]}) == []


def test_pairs_layers_of_one_shape_with_other_strides_when_asked_to():
    """As the first convolutions of a stage do that reduces the picture in one architecture and not in the other."""
    inventories = {"a": [FakeLayer("a1", "stride 1", shape="3x3")], "b": [FakeLayer("b1", "stride 2", shape="3x3")]}
    groups = shareable_groups(inventories, contents(inventories), Match.SHAPE)
    assert [[place.layer for place in group.places] for group in groups] == [["a1", "b1"]]
    assert found(inventories) == []


def test_joins_the_layers_that_a_model_repeats_only_when_asked_to():
    inventories = {"a": [FakeLayer(name, "s") for name in ("a1", "a2", "a3")], "b": [FakeLayer("b1", "s")]}
    (group,) = shareable_groups(inventories, contents(inventories), joins_repeats=True)
    assert [place.layer for place in group.places] == ["a1", "a2", "a3", "b1"]
    assert group.saved_bytes == 3 * 10
    assert found(inventories) == [[("a", "a1"), ("b", "b1")]]


def test_keeps_the_smallest_group():
    inventories = {query: [FakeLayer("big", "s", 1000), FakeLayer("small", "t", 1)] for query in ("a", "b")}
    assert [group.size_bytes for group in shareable_groups(inventories, contents(inventories))] == [1000, 1]


def test_has_nothing_to_merge_where_all_weights_are_the_same_already():
    inventories = {"a": [FakeLayer("x", "s")], "b": [FakeLayer("x", "s")]}
    assert not maximal_configuration(inventories, {("a", "x"): "same", ("b", "x"): "same"}).groups


def test_keeps_equal_weights_together_when_other_layers_of_their_models_merge():
    inventories = {query: [FakeLayer("x", "s"), FakeLayer("y", "t")] for query in "ab"}
    held = {("a", "x"): "same", ("b", "x"): "same", ("a", "y"): "one", ("b", "y"): "two"}
    configuration = maximal_configuration(inventories, held)
    assert len(configuration.groups) == 2
    assert configuration.saved_bytes == 10


signatures = st.lists(st.sampled_from("stuv"), max_size=6)


@settings(max_examples=30)
@given(st.dictionaries(st.sampled_from("abcde"), signatures, min_size=1))
def test_puts_each_layer_in_at_most_one_group(kinds: dict[str, list[str]]):
    inventories = {
        query: [FakeLayer(f"{position}", signature) for position, signature in enumerate(wanted)]
        for query, wanted in kinds.items()
    }
    configuration = maximal_configuration(inventories, contents(inventories))
    places = [(place.query, place.layer) for group in configuration.groups for place in group.places]
    assert len(places) == len(set(places))
    assert configuration.saved_bytes == sum(10 * (len(group.places) - 1) for group in configuration.groups)


@settings(max_examples=30)
@given(st.dictionaries(st.sampled_from("abcde"), signatures, min_size=2))
def test_never_saves_less_by_shape_or_with_repeats_than_by_signature(kinds: dict[str, list[str]]):
    inventories = {
        query: [FakeLayer(f"{n}", signature, shape="xy"[signature > "t"]) for n, signature in enumerate(wanted)]
        for query, wanted in kinds.items()
    }
    saved = [
        maximal_configuration(inventories, contents(inventories), match, joins_repeats=joins).saved_bytes
        for joins in (False, True)
        for match in Match
    ]
    assert min(saved) == saved[0]


@given(st.permutations(["a", "b", "c"]))
def test_does_not_depend_on_the_order_of_queries(order: list[str]):
    layers = {query: [FakeLayer("x", "s"), FakeLayer("y", "t")] for query in "abc"}
    inventories = {query: layers[query] for query in order}
    expected: MergeConfiguration = maximal_configuration(layers, contents(layers))
    assert maximal_configuration(inventories, contents(layers)) == expected
