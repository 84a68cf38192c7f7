import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.merging.configuration import ConfigurationError, LayerPlace, MergeConfiguration, SharedLayerGroup


def place(query: str, layer: str = "conv") -> LayerPlace:
    return LayerPlace(query, layer, f"{query}/{layer}")


def group(*queries: str, layer: str = "conv", size: int = 10) -> SharedLayerGroup:
    return SharedLayerGroup("signature", size, tuple(place(query, layer) for query in sorted(queries)))


def test_saves_all_copies_but_one():
    assert group("a", "b", "c", size=10).saved_bytes == 20


def test_saves_nothing_for_places_that_use_the_same_weights_already():
    twins = SharedLayerGroup("s", 10, (LayerPlace("a", "x", "same"), LayerPlace("b", "x", "same")))
    assert twins.saved_bytes == 0


def test_refuses_a_layer_in_two_groups():
    with pytest.raises(ConfigurationError, match="at most one"):
        MergeConfiguration(frozenset({group("a", "b"), group("b", "c")}))


def test_refuses_a_group_of_one_query():
    with pytest.raises(ConfigurationError, match="two queries"):
        MergeConfiguration(frozenset({SharedLayerGroup("s", 1, (place("a", "x"), place("a", "y")))}))


def test_ties_queries_into_merged_groups_through_chains_of_shared_layers():
    configuration = MergeConfiguration(
        frozenset({group("a", "b", layer="x"), group("b", "c", layer="y"), group("d", "e", layer="z")})
    )
    assert [merged.queries for merged in configuration.merged_groups] == [("a", "b", "c"), ("d", "e")]
    assert [len(merged.groups) for merged in configuration.merged_groups] == [2, 1]


def test_dissolves_a_group_that_one_query_is_left_in():
    configuration = MergeConfiguration(frozenset({group("a", "b")}))
    assert configuration.without_places([place("a")]) == MergeConfiguration()


def test_keeps_the_rest_of_a_group_when_one_place_leaves():
    configuration = MergeConfiguration(frozenset({group("a", "b", "c")}))
    assert configuration.without_places([place("a")]) == MergeConfiguration(frozenset({group("b", "c")}))


def test_dissolves_a_group_whose_remaining_places_were_one_tensor_before():
    twins = (LayerPlace("a", "x", "same"), LayerPlace("b", "x", "same"), LayerPlace("c", "x", "other"))
    configuration = MergeConfiguration(frozenset({SharedLayerGroup("s", 10, twins)}))
    assert configuration.without_places([twins[2]]) == MergeConfiguration()
    assert configuration.without_places([twins[0]]).saved_bytes == 10


@st.composite
def configurations(draw: st.DrawFn) -> MergeConfiguration:
    groups = set()
    for number in range(draw(st.integers(0, 5))):
        queries = draw(st.sets(st.sampled_from("abcdef"), min_size=2))
        groups.add(group(*queries, layer=f"layer{number}", size=7 * number + 1))
    return MergeConfiguration(frozenset(groups))


@settings(max_examples=30)
@given(configurations(), st.data())
def test_never_saves_more_after_a_place_leaves(configuration: MergeConfiguration, data: st.DataObject):
    places = sorted(place for group in configuration.groups for place in group.places)
    leaving = data.draw(st.sets(st.sampled_from(places))) if places else set()
    after = configuration.without_places(leaving)
    assert after.saved_bytes <= configuration.saved_bytes
    assert not leaving & {place for group in after.groups for place in group.places}


def test_a_group_grows_by_those_that_join_it():
    before = MergeConfiguration(frozenset({group("a", "b"), group("c", "d", layer="other")}))
    grown = before.with_groups([group("b", "c")])
    assert grown == MergeConfiguration(frozenset({group("a", "b", "c"), group("c", "d", layer="other")}))
    assert grown.holds(group("a", "c"))
    assert not before.holds(group("b", "c"))


def test_joins_two_copies_into_one_where_a_group_has_places_of_both():
    before = MergeConfiguration(frozenset({group("a", "b"), group("c", "d")}))
    assert before.with_groups([group("b", "c")]) == MergeConfiguration(frozenset({group("a", "b", "c", "d")}))
    assert before.gain_bytes(group("b", "c")) == 10


@settings(max_examples=30)
@given(configurations(), configurations())
def test_sharing_more_saves_exactly_the_gain_of_every_group(first: MergeConfiguration, second: MergeConfiguration):
    grown, gained = first, 0
    for added in second.ordered():
        gained += grown.gain_bytes(added)
        grown = grown.with_groups([added])
    assert grown == first.with_groups(second.ordered())
    assert grown.saved_bytes - first.saved_bytes == gained >= 0
    assert all(grown.holds(group) for group in first.groups | second.groups)


@settings(max_examples=30)
@given(configurations())
def test_puts_every_query_and_group_in_exactly_one_merged_group(configuration: MergeConfiguration):
    merged = configuration.merged_groups
    assert sorted(query for one in merged for query in one.queries) == sorted(configuration.queries)
    assert sum(len(one.groups) for one in merged) == len(configuration.groups)
