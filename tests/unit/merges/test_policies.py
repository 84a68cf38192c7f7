"""Which decisions apply when, what data a merge needs, and which strategies may be chosen."""

import pytest

from webapp.common.errors import Conflict, InvalidInput
from webapp.merges.models import MergedGroupState, Verdict
from webapp.merges.policies import STRATEGIES, check_run, state_after
from webapp.merges.requirements import dataset_problem, suits
from workers.merging.strategies import strategy_names

ALLOWED = {
    (Verdict.APPROVE, MergedGroupState.WAITING): MergedGroupState.APPROVED,
    (Verdict.REJECT, MergedGroupState.WAITING): MergedGroupState.REJECTED,
    (Verdict.REVERT, MergedGroupState.APPROVED): MergedGroupState.REVERTED,
}


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize("state", MergedGroupState)
def test_only_three_decisions_ever_apply(verdict: Verdict, state: MergedGroupState) -> None:
    if (verdict, state) in ALLOWED:
        assert state_after(verdict, state) is ALLOWED[verdict, state]
    else:
        with pytest.raises(Conflict):
            state_after(verdict, state)


def test_a_word_that_is_no_verdict_is_refused() -> None:
    with pytest.raises(InvalidInput):
        state_after("postpone", MergedGroupState.WAITING)


def test_the_strategies_on_offer_are_those_of_the_core() -> None:
    assert set(STRATEGIES) == set(strategy_names())


@pytest.mark.parametrize(("strategy", "limit"), [("magic", 60), ("optimistic", 4), ("optimistic", 10**9)])
def test_a_run_that_cannot_be_is_refused(strategy: str, limit: int) -> None:
    with pytest.raises(InvalidInput):
        check_run(strategy, limit)


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
