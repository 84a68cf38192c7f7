"""Rules about merge runs and decisions. Pure: no database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from django.utils.translation import gettext

from webapp.common.errors import Conflict, InvalidInput
from webapp.merges.models import Match, MergedGroupState, Verdict
from webapp.merges.strategies import DEFAULT, strategy_names

TIME_LIMIT_S = (5, 7 * 86_400)
_DECIDABLE = {
    # A reverted group keeps its weights in the store, and what it was judged on has not changed: it may run again.
    Verdict.APPROVE: (MergedGroupState.WAITING, MergedGroupState.REVERTED),
    Verdict.REJECT: (MergedGroupState.WAITING,),
    Verdict.REVERT: (MergedGroupState.APPROVED,),
}
_OUTCOME = {
    Verdict.APPROVE: MergedGroupState.APPROVED,
    Verdict.REJECT: MergedGroupState.REJECTED,
    Verdict.REVERT: MergedGroupState.REVERTED,
}


@dataclass(frozen=True)
class RunSettings:
    """How a merge run searches. `targets`: by query id, accuracy targets that hold in this run instead of its own."""

    strategy: str = DEFAULT
    match: str = Match.EXACT
    time_limit_s: int = 1200
    targets: Mapping[UUID, float] = field(default_factory=dict)


DEFAULT_SETTINGS = RunSettings()


def check_run(settings: RunSettings) -> None:
    """Raises InvalidInput."""
    if settings.strategy not in strategy_names():
        raise InvalidInput(
            gettext("The strategy is one of: %(choices)s.") % {"choices": ", ".join(strategy_names())}, field="strategy"
        )
    if settings.match not in Match:
        raise InvalidInput(
            gettext("Layers match by one of: %(choices)s.") % {"choices": ", ".join(Match)}, field="match"
        )
    low, high = TIME_LIMIT_S
    if not low <= settings.time_limit_s <= high:
        raise InvalidInput(gettext("The time limit lies between 5 seconds and seven days."), field="time_limit_min")
    for query, target in settings.targets.items():
        if not 0 < target <= 1:  # so that NaN is refused, too
            raise InvalidInput(gettext("The accuracy target lies above 0 and is at most 1."), field=target_field(query))


def target_field(query_id: UUID) -> str:
    """The form field with the accuracy target of one query."""
    return f"target_{query_id}"


def approval_hindrance(*, is_requester: bool, requester_may_approve: bool) -> str:
    """Why somebody with the role may still not approve, "" when they may. They may always reject."""
    if is_requester and not requester_may_approve:
        return gettext("In this site the person who requested a merge may not approve it: ask another approver.")
    return ""


def state_after(verdict: str, state: str) -> MergedGroupState:
    """The group's state after `verdict`. Raises InvalidInput for no verdict, Conflict where it does not apply."""
    if verdict not in _OUTCOME:
        raise InvalidInput(gettext("Decide to approve, reject or revert."), field="verdict")
    if state not in _DECIDABLE[Verdict(verdict)]:
        raise Conflict(
            gettext("This merged group is %(label)s by now, so nothing was changed.")
            % {"label": MergedGroupState(state).label.lower()}
        )
    return _OUTCOME[Verdict(verdict)]
