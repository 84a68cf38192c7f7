"""Which decisions apply when, what data a merge needs, and which strategies may be chosen."""

from uuid import uuid4

import pytest

from webapp.common.errors import Conflict, InvalidInput
from webapp.merges.models import Match, MergedGroupState, Verdict
from webapp.merges.policies import RunSettings, approval_hindrance, check_run, state_after
from webapp.merges.requirements import dataset_problem, suits
from webapp.merges.strategies import DEFAULT, STRATEGIES, strategy_names, strategy_title
from workers.merging import matching as core_matching
from workers.merging import strategies as core

QUERY = uuid4()
ALLOWED = {
    (Verdict.APPROVE, MergedGroupState.WAITING): MergedGroupState.APPROVED,
    (Verdict.APPROVE, MergedGroupState.REVERTED): MergedGroupState.APPROVED,
    (Verdict.REJECT, MergedGroupState.WAITING): MergedGroupState.REJECTED,
    (Verdict.REVERT, MergedGroupState.APPROVED): MergedGroupState.REVERTED,
}


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize("state", MergedGroupState)
def test_only_these_decisions_ever_apply(verdict: Verdict, state: MergedGroupState) -> None:
    if (verdict, state) in ALLOWED:
        assert state_after(verdict, state) is ALLOWED[verdict, state]
    else:
        with pytest.raises(Conflict):
            state_after(verdict, state)


def test_a_word_that_is_no_verdict_is_refused() -> None:
    with pytest.raises(InvalidInput):
        state_after("postpone", MergedGroupState.WAITING)


def test_the_strategies_on_offer_are_those_of_the_core() -> None:
    assert set(strategy_names()) == set(core.strategy_names())
    assert DEFAULT == core.DEFAULT


def test_layers_match_by_the_same_rules_as_in_the_core() -> None:
    assert {rule.value for rule in Match} == {rule.value for rule in core_matching.Match}


def test_every_strategy_is_explained_in_words_and_one_is_recommended() -> None:
    assert all(strategy.title and strategy.sentence.endswith(".") for strategy in STRATEGIES)
    assert [strategy.name for strategy in STRATEGIES if strategy.is_recommended] == [STRATEGIES[0].name]
    assert strategy_title("optimistic") == "Optimistic"
    assert strategy_title("of a former version") == "of a former version"


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        (RunSettings(strategy="magic"), "strategy"),
        (RunSettings(match="roughly"), "match"),
        (RunSettings(time_limit_s=4), "time_limit_min"),
        (RunSettings(time_limit_s=10**9), "time_limit_min"),
        *((RunSettings(targets={QUERY: target}), f"target_{QUERY}") for target in (0.0, -0.1, 1.01, float("nan"))),
    ],
)
def test_a_run_that_cannot_be_is_refused_beside_the_field_that_is_wrong(settings: RunSettings, field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        check_run(settings)
    assert refusal.value.field == field


@pytest.mark.parametrize("target", [0.01, 0.95, 1.0])
def test_a_target_may_be_anything_above_nothing_up_to_all(target: float) -> None:
    check_run(RunSettings(targets={QUERY: target}))


@pytest.mark.parametrize(
    ("kind", "task", "expected"),
    [
        ("frames", "detection", True),
        ("frames", "classification", True),
        ("coco", "detection", True),
        ("coco", "classification", False),
        ("imagefolder", "classification", True),
        ("imagefolder", "detection", False),
    ],
)
def test_data_must_suit_the_task(kind: str, task: str, expected: bool) -> None:
    assert suits(kind, task) is expected


@pytest.mark.parametrize(("frames", "is_enough"), [(None, False), (0, False), (99, False), (100, True)])
def test_too_little_data_is_named(frames: int | None, is_enough: bool) -> None:
    assert (dataset_problem("cars", "gate", frames) == "") is is_enough


@pytest.mark.parametrize(
    ("is_requester", "requester_may_approve", "is_hindered"),
    [(True, True, False), (True, False, True), (False, True, False), (False, False, False)],
)
def test_only_the_requester_is_hindered_and_only_where_the_site_says_so(
    is_requester: bool, requester_may_approve: bool, is_hindered: bool
) -> None:
    found = approval_hindrance(is_requester=is_requester, requester_may_approve=requester_may_approve)
    assert bool(found) is is_hindered
