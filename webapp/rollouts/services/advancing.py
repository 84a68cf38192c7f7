"""Carrying rollouts on: what boxes reported is noted, waves.py says what comes next, and bundles are published for it.

A worker calls `rollout_advance` when something happened, and every few seconds for windows that open and boxes that
come back. Each call is one transaction over one rollout and a limited number of boxes, taken in the order of their ids
so that two of them never wait for each other.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from edge_runtime.protocol.errors import GemelError
from webapp.audit.services import audit_record
from webapp.fleets.models import Box
from webapp.jobs.services import job_enqueue
from webapp.merges.models import MergedGroupState, PlacedMember
from webapp.merges.services import merged_group_place, merged_group_withdraw
from webapp.realtime.topics import Topic, TopicKind, live_publish_on_commit, site_changed
from webapp.rollouts.candidates import ACTIVE, matched, members_of
from webapp.rollouts.models import BoxReport, Bundle, Rollout, RolloutBox, RolloutBoxState, RolloutState
from webapp.rollouts.selectors import box_statuses, current_bundles
from webapp.rollouts.services.bundles import bundle_publish, bundle_withdraw
from webapp.rollouts.status import Connection
from webapp.rollouts.task_names import ADVANCE_ROLLOUT
from webapp.rollouts.waves import Moment, Seen, Step, next_step, outcome
from webapp.workloads.selectors import workload
from webapp.workloads.task_names import LIGHT_QUEUE

BOXES_AT_ONCE = 20
_STARTED = (RolloutBoxState.UPDATING, RolloutBoxState.FAILED)
_HEARD = (Connection.CONNECTED, Connection.STALE)


class Unfit(GemelError):
    """The box has changed since it was chosen, so that the merged group does not fit it any more."""

    code = "unfit"


def advance_enqueue(*, rollout: Rollout, now: datetime) -> None:
    job_enqueue(task=ADVANCE_ROLLOUT, queue=LIGHT_QUEUE, subject=rollout.id, now=now)


def rollouts_unsettled() -> list[UUID]:
    """Rollouts that may have something to do: those that go on, and ended ones with boxes to take back."""
    active = Rollout.objects.filter(state=RolloutState.RUNNING)
    aborted = Rollout.objects.filter(state=RolloutState.ABORTED, boxes__state__in=_STARTED)
    started = (*_STARTED, RolloutBoxState.SUCCEEDED)
    rolled_back = Rollout.objects.filter(state=RolloutState.ROLLED_BACK, boxes__state__in=started)
    return list((active | aborted | rolled_back).distinct().order_by("created_at").values_list("id", flat=True))


def rollouts_notice(*, box: Box, now: datetime) -> None:
    """After a report: has the rollout looked at that waits for this box, if the report says how it went."""
    rows = RolloutBox.objects.filter(box=box, state__in=_STARTED, rollout__state__in=ACTIVE).exclude(bundle=None)
    for row in rows.select_related("rollout", "bundle", "box"):
        if _is_news(row, _seen([row])[box.id]):
            advance_enqueue(rollout=row.rollout, now=now)


@transaction.atomic
def rollout_advance(*, rollout_id: UUID, now: datetime) -> bool:
    """One step. True while there is more to do at once."""
    rollout = Rollout.objects.select_for_update(of=("self",)).select_related("group__run__box").get(id=rollout_id)
    rows = list(rollout.boxes.select_related("box", "bundle").defer("bundle__manifest"))
    has_changed = rollout.state in ACTIVE and _settle(rows, now)
    moment = Moment(now, _reachable(rows, now), obstacle_of(rollout))
    step = next_step(RolloutState(rollout.state), rollout.terms, rows, moment)
    if step.state != rollout.state:
        _enter(rollout, step, now)
        has_changed = True
    for row in _first(rows, step.start):
        _start(rollout, row, now)
    for row in _first(rows, step.withdraw):
        _withdraw(rollout, row, now)
    if has_changed or step.start or step.withdraw:
        rollout_changed(rollout)
    return len(step.start) > BOXES_AT_ONCE or len(step.withdraw) > BOXES_AT_ONCE


def obstacle_of(rollout: Rollout) -> str:
    """Why the rollout may not go on: on the box it was found on, the merged group is not trusted any more."""
    group = rollout.group
    if group.state == MergedGroupState.APPROVED:
        return ""
    return f"The merged group is {group.get_state_display().lower()} on {group.run.box}."


def rollout_changed(rollout: Rollout) -> None:
    """On commit, tells pages that show the rollout or the list of rollouts."""
    live_publish_on_commit(Topic(TopicKind.ROLLOUT, rollout.id), "changed", what="rollout", id=str(rollout.id))
    site_changed(rollout.group.run.box.site_id, "rollout", rollout.id)


def _settle(rows: Sequence[RolloutBox], now: datetime) -> bool:
    """Notes how boxes that were started have done. True where there is news.

    A failed box succeeds after all when a person has had it tried again.
    """
    seen = _seen([row for row in rows if row.state in (*_STARTED, RolloutBoxState.SUCCEEDED)])
    changed = [row for row in rows if row.box_id in seen and _is_news(row, seen[row.box_id])]
    for row in changed:
        row.state, row.sentence = outcome(seen[row.box_id])
        row.ended_at = None if row.state == RolloutBoxState.UPDATING else now
    RolloutBox.objects.bulk_update(changed, ["state", "sentence", "ended_at"])
    return bool(changed)


def _is_news(row: RolloutBox, seen: Seen) -> bool:
    """A box that has succeeded may run later bundles as it likes, as long as the merged group is meant for it."""
    is_settled = row.state == RolloutBoxState.SUCCEEDED and seen.is_placed
    return not is_settled and outcome(seen)[0] != row.state


def _seen(rows: Sequence[RolloutBox]) -> dict[UUID, Seen]:
    """By box, of rows that were started; `rows` are of one rollout or of one box."""
    started = [row for row in rows if row.bundle is not None]
    boxes = [row.box for row in started]
    reports = {report.box_id: report for report in BoxReport.objects.filter(box__in=boxes)}
    wanted = current_bundles(boxes)
    groups = {row.rollout.group_id for row in started}
    placed = set(PlacedMember.objects.filter(box__in=boxes, member__group__in=groups).values_list("box_id", flat=True))
    return {
        row.box_id: _seen_one(row.bundle, reports.get(row.box_id), wanted.get(row.box_id), row.box_id in placed)
        for row in started
        if row.bundle is not None
    }


def _seen_one(bundle: Bundle, report: BoxReport | None, wanted: Bundle | None, is_placed: bool) -> Seen:
    report = report or BoxReport()
    return Seen(
        version=bundle.version,
        wanted_version=wanted.version if wanted else 0,
        wanted_digest=wanted.manifest_digest if wanted else "",
        is_placed=is_placed,
        runs_version=report.bundle_version,
        is_confirmed=report.is_confirmed,
        refused_digest=report.refused_digest,
        sentence=report.sentence.partition("\n")[0],
    )


def _reachable(rows: Iterable[RolloutBox], now: datetime) -> frozenset[UUID]:
    statuses = box_statuses([row.box for row in rows if row.state == RolloutBoxState.WAITING], now)
    return frozenset(box for box, status in statuses.items() if status.connection in _HEARD)


def _first(rows: Iterable[RolloutBox], boxes: tuple[UUID, ...]) -> list[RolloutBox]:
    chosen = set(sorted(boxes)[:BOXES_AT_ONCE])
    return sorted((row for row in rows if row.box_id in chosen), key=lambda row: row.box_id)


def _enter(rollout: Rollout, step: Step, now: datetime) -> None:
    has_finished = step.state == RolloutState.FINISHED
    rollout.state, rollout.pause_reason = step.state, step.reason
    rollout.ended_at = now if has_finished else None
    rollout.save(update_fields=["state", "pause_reason", "ended_at"])
    audit_record(
        actor=None,
        action="rollout.finish" if has_finished else "rollout.pause",
        subject=rollout,
        site_id=rollout.group.run.box.site_id,
        now=now,
        detail={} if has_finished else {"reason": step.reason},
    )


def _start(rollout: Rollout, row: RolloutBox, now: datetime) -> None:
    """Places the merged group on the box and publishes the bundle; a box that does not fit any more fails by itself."""
    row.state, row.started_at = RolloutBoxState.UPDATING, now
    try:
        with transaction.atomic():
            match = matched(members_of(rollout.group), workload(row.box))
            if match.problem:
                raise Unfit(f"Its queries have changed since it was chosen. {match.problem}")
            merged_group_place(box=row.box, queries=match.queries, now=now)
            reason = f"wave {row.wave + 1} of the {rollout}"
            row.bundle = bundle_publish(box=row.box, reason=reason, now=now)
    except GemelError as error:
        row.state, row.sentence, row.ended_at = RolloutBoxState.FAILED, str(error), now
    row.save(update_fields=["state", "sentence", "bundle", "started_at", "ended_at"])


def _withdraw(rollout: Rollout, row: RolloutBox, now: datetime) -> None:
    """The box goes back to what it would run without this rollout."""
    merged_group_withdraw(group=rollout.group, box=row.box)
    bundle_withdraw(box=row.box, bundle=row.bundle, now=now)
    row.state, row.ended_at = RolloutBoxState.ROLLED_BACK, now
    row.save(update_fields=["state", "ended_at"])
