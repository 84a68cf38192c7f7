"""What people do about rollouts: start, pause, resume, abort, roll back. Bundles are published by advancing.py."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from webapp.audit.services import audit_record
from webapp.common.errors import Conflict, InvalidInput
from webapp.fleets.models import Box, Role
from webapp.fleets.policies import require_role
from webapp.merges.models import MergedGroup, MergedGroupState
from webapp.rollouts.candidates import ACTIVE, candidates
from webapp.rollouts.models import Rollout, RolloutBox, RolloutBoxState, RolloutState
from webapp.rollouts.services.advancing import advance_enqueue, obstacle_of, rollout_changed
from webapp.rollouts.terms import DEFAULT_TERMS, Terms, check_terms
from webapp.rollouts.waves import planned


@transaction.atomic
def rollout_start(
    *,
    actor: Any | None,
    group: MergedGroup,
    boxes: Sequence[Box],
    canary: Box | None = None,
    terms: Terms = DEFAULT_TERMS,
    now: datetime,
) -> Rollout:
    """Brings an approved merged group to `boxes`, wave by wave; the `canary` gets it before all others.

    Raises NotAllowed, InvalidInput, Conflict.
    """
    site = group.run.box.site
    require_role(actor, site, Role.APPROVER)
    check_terms(terms)
    group = MergedGroup.objects.select_for_update(of=("self",)).select_related("run__box").get(id=group.id)
    if group.state != MergedGroupState.APPROVED:
        raise Conflict(
            gettext("This merged group is %(state)s: only an approved one is rolled out.")
            % {"state": group.get_state_display().lower()}
        )
    chosen = _chosen(group, boxes, canary)
    window = terms.window
    rollout = Rollout.objects.create(
        group=group,
        percentages=list(terms.percentages),
        success_percent=terms.success_percent,
        error_percent=terms.error_percent,
        window_start=window.start if window else None,
        window_end=window.end if window else None,
        window_zone=window.zone if window else "",
        window_days=sorted(window.days) if window else [],
        requested_by=actor,
        created_at=now,
    )
    waves = planned([box.id for box in chosen], canary.id if canary else None, terms.percentages)
    RolloutBox.objects.bulk_create(RolloutBox(rollout=rollout, box=box, wave=waves[box.id]) for box in chosen)
    detail = {"boxes": [box.name for box in chosen], "waves": max(waves.values()) + 1, "window": str(window or "")}
    _record(actor, rollout, "rollout.start", now, detail)
    advance_enqueue(rollout=rollout, now=now)
    return rollout


@transaction.atomic
def rollout_pause(*, actor: Any | None, rollout: Rollout, now: datetime) -> None:
    """No box starts any more; those under way go on."""
    rollout = _locked(actor, rollout, Role.OPERATOR, (RolloutState.RUNNING,))
    _become(rollout, RolloutState.PAUSED, pause_reason=f"{actor or 'The system'} paused it.")
    _record(actor, rollout, "rollout.pause", now)


@transaction.atomic
def rollout_resume(*, actor: Any | None, rollout: Rollout, now: datetime) -> None:
    """Goes on without the boxes that have failed so far. Raises NotAllowed, Conflict."""
    rollout = _locked(actor, rollout, Role.APPROVER, (RolloutState.PAUSED,))
    obstacle = obstacle_of(rollout)
    if obstacle:
        raise Conflict(gettext("%(obstacle)s Abort the rollout or roll it back.") % {"obstacle": obstacle})
    accepted = rollout.boxes.filter(state=RolloutBoxState.FAILED).update(is_accepted=True)
    _become(rollout, RolloutState.RUNNING)
    _record(actor, rollout, "rollout.resume", now, {"failures accepted": accepted})
    advance_enqueue(rollout=rollout, now=now)


@transaction.atomic
def rollout_abort(*, actor: Any | None, rollout: Rollout, now: datetime) -> None:
    """Ends it: boxes that run the merged group well keep it, those under way or failed stay with what they had."""
    rollout = _locked(actor, rollout, Role.APPROVER, ACTIVE)
    _become(rollout, RolloutState.ABORTED, ended_at=now)
    _record(actor, rollout, "rollout.abort", now)
    advance_enqueue(rollout=rollout, now=now)


@transaction.atomic
def rollout_roll_back(*, actor: Any | None, rollout: Rollout, now: datetime) -> None:
    """Every box of it goes back to what it ran before, also long after it has finished."""
    before = tuple(state for state in RolloutState if state != RolloutState.ROLLED_BACK)
    rollout = _locked(actor, rollout, Role.APPROVER, before)
    _become(rollout, RolloutState.ROLLED_BACK, ended_at=now)
    _record(actor, rollout, "rollout.roll_back", now)
    advance_enqueue(rollout=rollout, now=now)


def _chosen(group: MergedGroup, boxes: Sequence[Box], canary: Box | None) -> list[Box]:
    """The boxes by name, locked, so that two rollouts started at once never hold the same one."""
    ids = {box.id for box in boxes}
    list(Box.objects.select_for_update().filter(id__in=ids).order_by("id"))
    if not ids:
        raise InvalidInput(gettext("Choose at least one box."), field="boxes")
    if canary is not None and canary.id not in ids:
        raise InvalidInput(
            gettext("The canary %(canary)s is not one of the chosen boxes.") % {"canary": canary}, field="canary"
        )
    possible = {one.box.id: one for one in candidates(group)}
    elsewhere = gettext("It does not run the models of the merged group.")
    for box in boxes:
        problem = possible[box.id].problem if box.id in possible else elsewhere
        if problem:
            raise InvalidInput(
                gettext("%(box)s cannot get the merged group. %(problem)s") % {"box": box, "problem": problem},
                field="boxes",
            )
    return sorted((possible[box].box for box in ids), key=lambda box: box.name)


def _locked(actor: Any | None, rollout: Rollout, role: Role, states: Sequence[str]) -> Rollout:
    rollout = Rollout.objects.select_for_update(of=("self",)).select_related("group__run__box__site").get(id=rollout.id)
    require_role(actor, rollout.group.run.box.site, role)
    if rollout.state not in states:
        raise Conflict(
            gettext("This rollout is %(state)s by now, so nothing was changed.")
            % {"state": rollout.get_state_display().lower()}
        )
    return rollout


def _become(rollout: Rollout, state: RolloutState, *, pause_reason: str = "", ended_at: datetime | None = None) -> None:
    rollout.state, rollout.pause_reason = state, pause_reason
    rollout.ended_at = rollout.ended_at or ended_at
    rollout.save(update_fields=["state", "pause_reason", "ended_at"])


def _record(
    actor: Any | None, rollout: Rollout, action: str, now: datetime, detail: dict[str, Any] | None = None
) -> None:
    site_id = rollout.group.run.box.site_id
    audit_record(actor=actor, action=action, subject=rollout, site_id=site_id, now=now, detail=detail)
    rollout_changed(rollout)
