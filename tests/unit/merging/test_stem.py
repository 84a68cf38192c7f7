import math

import pytest

from tests.unit.merging.outcomes import attempt, configuration, group, search, shares
from workers.merging.configuration import LayerPlace, MergeConfiguration, SharedLayerGroup
from workers.merging.history import History
from workers.merging.strategies.stem import Stem

NAMES = tuple(f"layer{number}" for number in range(8))


def history(queries="ab", shared=NAMES, own=None):
    """Networks of eight layers; those in `shared` are identical in all of them."""
    maximal = configuration(*(group(queries, name) for name in shared))
    return History(maximal, layers=dict.fromkeys(queries, NAMES) | (own or {}))


def depth(tried: MergeConfiguration, query: str) -> int:
    return sum(shares(tried, query, name) for name in NAMES)


def at_most(**limits):
    return lambda tried, query: depth(tried, query) <= limits.get(query, len(NAMES))


def test_shares_nothing_behind_the_first_layer_that_differs():
    shared = tuple(name for name in NAMES if name != "layer3")
    _, proposals = search(Stem(), history(shared=shared), at_most())
    assert [p.configuration for p in proposals] == [configuration(*(group("ab", name) for name in NAMES[:3]))]


def test_shares_nothing_where_the_first_layers_differ():
    assert Stem().next_proposal(history(shared=NAMES[1:])) is None


def test_shares_nothing_where_identical_layers_stand_at_different_depths():
    shifted = SharedLayerGroup("s", 10, (LayerPlace("a", "layer0", "1"), LayerPlace("b", "layer1", "2")))
    layers = {"a": ("layer0",), "b": ("other", "layer1")}
    assert Stem().next_proposal(History(MergeConfiguration(frozenset({shifted})), layers=layers)) is None


def test_ends_when_the_whole_prefix_holds():
    past, proposals = search(Stem(), history(), at_most())
    assert len(proposals) == 1
    assert past.attempts[-1].accepted == past.maximal


@pytest.mark.parametrize("limit", range(9))
def test_finds_the_longest_prefix_that_holds_by_bisection(limit):
    past, proposals = search(Stem(), history(), at_most(a=limit, b=limit))
    assert depth(past.attempts[-1].accepted, "a") == limit
    assert len(proposals) <= 2 + math.log2(len(NAMES))


def test_lets_every_query_be_as_deep_as_its_own_target_allows():
    past, _ = search(Stem(), history("abc"), at_most(c=2))
    accepted = past.attempts[-1].accepted
    assert [depth(accepted, query) for query in "abc"] == [8, 8, 2]
    assert all(group.queries >= {"a", "b"} for group in accepted.groups)


def test_forms_a_tree_where_networks_part_on_the_way():
    left, right = (tuple(group(pair, name) for name in NAMES[4:]) for pair in ("ab", "cd"))
    trunk = tuple(group("abcd", name) for name in NAMES[:4])
    maximal = configuration(*trunk, *left, *right)
    past, proposals = search(Stem(), History(maximal, layers=dict.fromkeys("abcd", NAMES)), at_most())
    assert proposals[0].configuration == maximal
    assert past.attempts[-1].accepted == maximal


def test_searches_families_apart():
    other = tuple(group("cd", f"other{number}") for number in range(8))
    layers = dict.fromkeys("ab", NAMES) | dict.fromkeys("cd", tuple(f"other{number}" for number in range(8)))
    maximal = MergeConfiguration(history().maximal.groups.union(other))
    past, _ = search(Stem(), History(maximal, layers=layers), at_most(a=3))
    accepted = past.attempts[-1].accepted
    assert depth(accepted, "a") == 3
    assert {group for group in accepted.groups if "c" in group.queries} == set(other)


def test_shrinks_those_that_grew_when_one_beside_them_fails_at_the_depth_that_held():
    """Weights move for everybody: a query may miss its target although its own depth stayed."""
    start = history("abc")
    failing = at_most(a=4, b=4, c=2)
    past, _ = search(Stem(), start, lambda tried, query: failing(tried, query) and depth(tried, "a") < 4)
    assert depth(past.attempts[-1].accepted, "a") < 4


def test_keeps_queries_with_equal_weights_together_behind_the_prefix():
    twins = SharedLayerGroup("t", 50, (LayerPlace("a", "own", "same"), LayerPlace("b", "own", "same")))
    layers = {"a": ("x", "a1", "own"), "b": ("x", "b1", "own"), "c": ("x",)}
    proposal = Stem().next_proposal(History(configuration(group("abc", "x"), twins), layers=layers))
    assert proposal is not None
    assert twins in proposal.configuration.groups


def test_leaves_queries_alone_that_share_all_their_weights_already():
    twins = SharedLayerGroup("t", 50, (LayerPlace("a", "x", "same"), LayerPlace("b", "x", "same")))
    maximal = configuration(twins, group("cd", "y"))
    start = History(maximal, layers={"a": ("x",), "b": ("x",), "c": ("y",), "d": ("y",)})
    proposal = Stem().next_proposal(start)
    assert proposal is not None
    assert proposal.configuration.queries == {"c", "d"}
    assert Stem().next_proposal(History(maximal, (attempt(proposal, start, at_most()),), start.layers)) is None
