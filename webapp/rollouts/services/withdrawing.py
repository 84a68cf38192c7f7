"""Taking a merged group off one box that a rollout brought it to, because it does badly there."""

from datetime import datetime

from django.db import transaction

from webapp.audit.services import audit_record
from webapp.fleets.models import Box
from webapp.merges.models import MergedGroup
from webapp.merges.services import merged_group_withdraw
from webapp.rollouts.candidates import ACTIVE
from webapp.rollouts.models import Rollout, RolloutBox, RolloutBoxState
from webapp.rollouts.services.advancing import advance_enqueue, rollout_changed
from webapp.rollouts.services.bundles import bundle_publish

_HAS_IT = (RolloutBoxState.UPDATING, RolloutBoxState.SUCCEEDED)


@transaction.atomic
def placement_withdraw(*, group: MergedGroup, box: Box, reason: str, now: datetime) -> None:
    """The box's next bundle has what it had before the group came; `reason` is a sentence for people.

    For a rollout that goes on the box has failed, which may pause it; an ended one says that the box went back.
    """
    rollouts = Rollout.objects.filter(group=group, boxes__box=box).order_by("created_at")
    rollouts = rollouts.select_for_update(of=("self",)).select_related("group__run__box")
    for rollout in rollouts:
        rows = RolloutBox.objects.filter(rollout=rollout, box=box, state__in=_HAS_IT)
        state = RolloutBoxState.FAILED if rollout.state in ACTIVE else RolloutBoxState.ROLLED_BACK
        if rows.update(state=state, sentence=reason, ended_at=now):
            rollout_changed(rollout)
        if rollout.state in ACTIVE:
            advance_enqueue(rollout=rollout, now=now)
    merged_group_withdraw(group=group, box=box)
    detail = {"box": box.name, "reason": reason}
    audit_record(actor=None, action="merged_group.withdraw", subject=group, site_id=box.site_id, now=now, detail=detail)
    bundle_publish(box=box, reason=f"taken off: {reason}", now=now)
