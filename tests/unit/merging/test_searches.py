"""Laws of every strategy, whatever comes of its attempts."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.merging.outcomes import attempt, place, search
from workers.merging.configuration import LayerPlace, MergeConfiguration, SharedLayerGroup
from workers.merging.history import History
from workers.merging.strategies import strategy, strategy_names

KINDS = "stuv"
SIZES = dict(zip(KINDS, (100, 30, 30, 1), strict=True))
SOME = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Networks as rows of layer kinds; the k-th of a kind may share with the k-th in the others, or all with all."""
    kinds = draw(st.dictionaries(st.sampled_from("abcde"), st.text(KINDS, min_size=1, max_size=6), min_size=2))
    joins_repeats = draw(st.booleans())
    members: dict[str, list[LayerPlace]] = {}
    layers: dict[str, tuple[str, ...]] = {}
    for query, row in kinds.items():
        layers[query] = tuple(f"{kind}{row[:number].count(kind)}" for number, kind in enumerate(row))
        for name in layers[query]:
            members.setdefault(name[0] if joins_repeats else name, []).append(place(query, name))
    groups = (
        SharedLayerGroup(name[0], SIZES[name[0]], tuple(sorted(places)))
        for name, places in members.items()
        if len({place.query for place in places}) > 1
    )
    return History(MergeConfiguration(frozenset(groups)), layers=layers)


every_strategy = pytest.mark.parametrize("name", strategy_names())


@every_strategy
@SOME
@given(start=histories(), random=st.randoms(use_true_random=False), share=st.sampled_from([0.0, 0.3, 0.7, 0.95, 1.0]))
def test_ends_within_a_bound_that_is_linear_in_the_layers(name, start, random, share):
    places = sum(len(group.places) for group in start.maximal.groups)
    _, proposals = search(strategy(name), start, lambda *_: random.random() < share)
    assert len(proposals) <= 4 * places + 1


@every_strategy
@SOME
@given(start=histories(), random=st.randoms(use_true_random=False))
def test_every_proposal_holds_what_the_last_attempt_accepted_and_stays_within_what_may_be_shared(name, start, random):
    history, chosen = start, strategy(name)
    while (proposal := chosen.next_proposal(history)) is not None:
        assert all(start.maximal.holds(group) for group in proposal.configuration.groups)
        if history.attempts:
            assert all(proposal.configuration.holds(group) for group in history.attempts[-1].accepted.groups)
        outcome = attempt(proposal, history, lambda *_: random.random() < 0.6)
        history = History(history.maximal, (*history.attempts, outcome), history.layers)
    savings = [tried.accepted.saved_bytes for tried in history.attempts]
    assert savings == sorted(savings)


@every_strategy
@SOME
@given(start=histories())
def test_depends_on_the_history_alone_and_not_on_what_it_was_asked_before(name, start):
    used = strategy(name)
    history, _ = search(used, start, lambda tried, _: len(tried.groups) < 3)
    for length in reversed(range(len(history.attempts))):
        cut = History(start.maximal, history.attempts[:length], start.layers)
        proposal = used.next_proposal(cut)
        assert proposal is not None
        assert proposal.configuration == history.attempts[length].configuration


@pytest.mark.parametrize("name", ["optimistic", "gemel", "maximal"])
@SOME
@given(start=histories())
def test_reaches_everything_when_every_attempt_holds(name, start):
    history, _ = search(strategy(name), start, lambda *_: True)
    reached = history.attempts[-1].accepted if history.attempts else MergeConfiguration()
    assert reached.saved_bytes == start.maximal.saved_bytes
