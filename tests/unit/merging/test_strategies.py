import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.merging.configuration import LayerPlace, MergeConfiguration, SharedLayerGroup
from workers.merging.events import Basis, QueryFigures
from workers.merging.history import Attempt, History, Proposal, Start, Strategy
from workers.merging.strategies import UnknownStrategy, strategy, strategy_names
from workers.merging.strategies.maximal import Maximal
from workers.merging.strategies.optimistic import Optimistic


def place(query: str, layer: str) -> LayerPlace:
    return LayerPlace(query, layer, f"{query}/{layer}")


def group(queries: str, layer: str, size: int = 10) -> SharedLayerGroup:
    return SharedLayerGroup("s", size, tuple(place(query, layer) for query in queries))


def figures(name: str, *, is_met: bool) -> QueryFigures:
    return QueryFigures(name, 1.0, 0.9, 0.9, 0.9, 0.9, Basis.RELATIVE_ACCURACY, 0.95, is_met)


def proposed(chosen: Strategy, history: History) -> MergeConfiguration | None:
    proposal = chosen.next_proposal(history)
    return None if proposal is None else proposal.configuration


FOUR = MergeConfiguration(frozenset(group("ab", f"layer{number}") for number in range(4)))


def test_knows_its_strategies_by_name():
    assert {"optimistic", "maximal"} <= set(strategy_names())
    with pytest.raises(UnknownStrategy, match="optimistic"):
        strategy("guess")


def test_maximal_tries_everything_once():
    assert proposed(Maximal(), History(FOUR)) == FOUR
    assert proposed(Maximal(), History(FOUR, (Attempt(FOUR, FOUR),))) is None


@pytest.mark.parametrize("name", ["optimistic", "maximal"])
def test_has_nothing_to_try_without_identical_layers(name):
    assert proposed(strategy(name), History(MergeConfiguration())) is None


def test_starts_with_everything_and_ends_when_it_is_accepted():
    assert proposed(Optimistic(), History(FOUR)) == FOUR
    assert proposed(Optimistic(), History(FOUR, (Attempt(FOUR, FOUR),))) is None


def test_unshares_where_it_hurts_most():
    hurting = place("a", "layer2")
    attempt = Attempt(FOUR, MergeConfiguration(), {}, {hurting: 5.0, place("b", "layer1"): 1.0})
    following = proposed(Optimistic(), History(FOUR, (attempt,)))
    assert following is not None
    assert FOUR.groups - following.groups == {group("ab", "layer2")}


def test_gives_weights_of_their_own_only_to_queries_that_miss_their_target():
    three = MergeConfiguration(frozenset({group("abc", "layer0"), group("abc", "layer1")}))
    met = {name: figures(name, is_met=name != "c") for name in "abc"}
    attempt = Attempt(three, MergeConfiguration(), met, {place("a", "layer0"): 9.0, place("c", "layer1"): 1.0})
    following = proposed(Optimistic(), History(three, (attempt,)))
    assert following == MergeConfiguration(frozenset({group("abc", "layer0"), group("ab", "layer1")}))


def test_keeps_what_was_accepted_when_another_merged_group_fails():
    good, bad = group("ab", "x"), frozenset({group("cd", "x"), group("cd", "y")})
    both = MergeConfiguration(frozenset({good}) | bad)
    accepted = MergeConfiguration(frozenset({good}))
    following = proposed(Optimistic(), History(both, (Attempt(both, accepted),)))
    assert following is not None
    assert good in following.groups
    assert len(following.groups) == 2


def test_tries_once_more_from_weights_that_hold_before_it_unshares_what_fails_in_part():
    three = MergeConfiguration(frozenset({group("abc", "layer0"), group("abc", "layer1")}))
    part = MergeConfiguration(frozenset({group("ab", "layer0"), group("ab", "layer1")}))
    met = {name: figures(name, is_met=name != "c") for name in "abc"}
    failed = Attempt(three, part, met, {place("c", "layer1"): 1.0})
    assert Optimistic().next_proposal(History(three, (failed,))) == Proposal(three, Start.ACCEPTED)
    following = Optimistic().next_proposal(History(three, (failed, failed)))
    unshared = MergeConfiguration(frozenset({group("abc", "layer0"), group("ab", "layer1")}))
    assert following == Proposal(unshared, Start.REACHED)


def test_a_second_try_does_not_make_it_give_up_more_at_once():
    ten = MergeConfiguration(frozenset(group("abc", f"layer{number}") for number in range(10)))
    part = MergeConfiguration(frozenset({group("ab", "layer0")}))
    met = {name: figures(name, is_met=name != "c") for name in "abc"}
    failed = Attempt(ten, part, met)
    following = proposed(Optimistic(), History(ten, (failed, failed)))
    assert following is not None
    assert following.saved_bytes == ten.saved_bytes - 20  # two places, the tenth that is given up first


def test_ends_when_only_accepted_groups_are_left():
    good, bad = group("ab", "x"), group("cd", "x")
    both = MergeConfiguration(frozenset({good, bad}))
    attempt = Attempt(both, MergeConfiguration(frozenset({good})))
    assert proposed(Optimistic(), History(both, (attempt,))) is None


@settings(max_examples=20)
@given(st.integers(1, 12), st.randoms(use_true_random=False))
def test_always_ends_even_when_nothing_is_ever_accepted(layers, random):
    maximal = MergeConfiguration(frozenset(group("abcd", f"layer{n}", n + 1) for n in range(layers)))
    history = History(maximal)
    for _ in range(12):
        configuration = proposed(Optimistic(), history)
        if configuration is None:
            return
        conflict = {place: random.random() for group in configuration.groups for place in group.places}
        history = History(maximal, (*history.attempts, Attempt(configuration, MergeConfiguration(), {}, conflict)))
        savings = [attempt.configuration.saved_bytes for attempt in history.attempts]
        assert savings == sorted(savings, reverse=True)
    raise AssertionError("The search did not end.")
