"""Rules about merge runs and decisions. Pure: no database."""

from webapp.common.errors import Conflict, InvalidInput
from webapp.merges.models import MergedGroupState, Verdict

STRATEGIES = ("optimistic", "maximal")
TIME_LIMIT_S = (5, 7 * 86_400)
_DECIDABLE = {
    Verdict.APPROVE: MergedGroupState.WAITING,
    Verdict.REJECT: MergedGroupState.WAITING,
    Verdict.REVERT: MergedGroupState.APPROVED,
}
_OUTCOME = {
    Verdict.APPROVE: MergedGroupState.APPROVED,
    Verdict.REJECT: MergedGroupState.REJECTED,
    Verdict.REVERT: MergedGroupState.REVERTED,
}


def check_run(strategy: str, time_limit_s: int) -> None:
    """Raises InvalidInput."""
    if strategy not in STRATEGIES:
        raise InvalidInput(f"The strategy is one of: {', '.join(STRATEGIES)}.", field="strategy")
    low, high = TIME_LIMIT_S
    if not low <= time_limit_s <= high:
        raise InvalidInput("The time limit lies between 5 seconds and seven days.", field="time_limit_s")


def state_after(verdict: str, state: str) -> MergedGroupState:
    """The group's state after `verdict`. Raises InvalidInput for no verdict, Conflict where it does not apply."""
    if verdict not in _OUTCOME:
        raise InvalidInput("Decide to approve, reject or revert.", field="verdict")
    if state != _DECIDABLE[Verdict(verdict)]:
        raise Conflict(f"This merged group is {MergedGroupState(state).label.lower()} by now, so nothing was changed.")
    return _OUTCOME[Verdict(verdict)]
