"""Decisions about merged groups: each is a row that is only ever added, and leads to a bundle."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from edge_runtime.protocol.errors import GemelError
from webapp.audit.services import audit_record
from webapp.common.errors import Conflict, InvalidInput, NotAllowed
from webapp.fleets.models import Role
from webapp.fleets.policies import require_role
from webapp.merges.models import Decision, MergedGroup, MergedGroupState, PlacedMember, Verdict
from webapp.merges.policies import approval_hindrance, state_after
from webapp.realtime.topics import site_changed
from webapp.workloads.services import publish_enqueue

REASON_MAX = 1000


@transaction.atomic
def merged_group_decide(
    *, actor: Any | None, group: MergedGroup, verdict: str, reason: str = "", now: datetime
) -> Decision:
    """Approve and revert change what the box runs; reject keeps the originals. A reverted group may be approved again.

    Raises Conflict when somebody decided before, or when the box's queries have changed too much to approve.
    """
    group = MergedGroup.objects.select_for_update(of=("self",)).select_related("run__box__site").get(id=group.id)
    box = group.run.box
    require_role(actor, box.site, Role.APPROVER)
    if len(reason) > REASON_MAX:
        raise InvalidInput(
            gettext("The reason has at most %(reason_max)s characters.") % {"reason_max": REASON_MAX}, field="reason"
        )
    group.state = state_after(verdict, group.state)
    if verdict == Verdict.APPROVE:
        _check_approval(actor, group)
        _supersede_approved(group)
    group.save(update_fields=["state"])
    decision = Decision.objects.create(group=group, verdict=verdict, reason=reason, actor=actor, at=now)
    action, detail = f"merged_group.{Verdict(verdict).value}", {"reason": reason, "box": box.name}
    audit_record(actor=actor, action=action, subject=group, site_id=box.site_id, now=now, detail=detail)
    site_changed(box.site_id, "merged-group", group.id)
    if verdict != Verdict.REJECT:
        publish_enqueue(box_id=box.id, now=now)
    return decision


@dataclass(frozen=True)
class Decided:
    """What became of one of several groups: its decision, or the error that says why there is none."""

    group: MergedGroup
    decision: Decision | None = None
    error: GemelError | None = None


def merged_groups_decide(
    *, actor: Any | None, groups: Iterable[MergedGroup], verdict: str, reason: str = "", now: datetime
) -> tuple[Decided, ...]:
    """Each group is decided for itself, with a row and an audit entry of its own: one that is refused stops no other.

    One transaction each, so that what is decided stays decided whatever happens to the next.
    """
    return tuple(_decided(actor, group, verdict, reason, now) for group in groups)


def _decided(actor: Any | None, group: MergedGroup, verdict: str, reason: str, now: datetime) -> Decided:
    try:
        return Decided(group, merged_group_decide(actor=actor, group=group, verdict=verdict, reason=reason, now=now))
    except GemelError as error:
        return Decided(group, error=error)


def _check_approval(actor: Any | None, group: MergedGroup) -> None:
    run = group.run
    hindrance = approval_hindrance(
        is_requester=actor is not None and actor.pk == run.requested_by_id,
        requester_may_approve=run.box.site.requester_may_approve,
    )
    if hindrance:
        raise NotAllowed(hindrance)
    members = group.members.select_related("query").defer("tensors")
    current = [member for member in members if member.query and member.query.model_id == member.model_id]
    if len(current) < 2:
        raise Conflict(gettext("The queries of this merged group have changed since: start a new merge run."))


def _supersede_approved(group: MergedGroup) -> None:
    """A query runs the tensors of one group, so an approved group that shares a query gives way as a whole."""
    queries = group.members.exclude(query=None).values("query")
    earlier = MergedGroup.objects.filter(state=MergedGroupState.APPROVED, members__query__in=queries)
    MergedGroup.objects.filter(id__in=earlier.values("id")).update(state=MergedGroupState.SUPERSEDED)
    placed = PlacedMember.objects.filter(box=group.run.box, query__in=queries)
    PlacedMember.objects.filter(
        box=group.run.box, member__group__in=placed.values_list("member__group", flat=True)
    ).delete()
