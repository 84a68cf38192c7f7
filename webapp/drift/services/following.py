"""Finding drifts and taking each one step further. Runs every few seconds; every step is a transaction of its own."""

import logging
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.target import Privacy
from webapp.accuracy.windows import WindowAccuracy
from webapp.audit.services import audit_record
from webapp.common.errors import Conflict
from webapp.drift.models import Baseline, Drift, DriftState, Response
from webapp.drift.policies import Progress, Step, figures_of, next_step
from webapp.drift.selectors import LiveAccuracy, drift_settings, drifts_open, live_accuracies
from webapp.fleets.models import Camera
from webapp.merges.models import MergedGroupState, PlacedMember, Verdict
from webapp.merges.services import merge_run_start, merged_group_decide
from webapp.realtime.topics import site_changed
from webapp.rollouts.services import bundle_publish, placement_withdraw
from webapp.workloads.models import Dataset, DatasetState
from webapp.workloads.services import dataset_request

TOLD_FOR = timedelta(days=1)
_LOCK = 7_201_734
_Key = tuple[UUID, UUID]  # of a merged group and a box that runs it

logger = logging.getLogger(__name__)


def drifts_follow(*, now: datetime) -> None:
    """One step for every drift there is, new ones included. What one of them raises stops no other."""
    live = live_accuracies(now)
    drifting = {_key(one): one for one in live if one.is_drifting}  # one query of a group is enough
    with transaction.atomic():
        if not _locked():
            return
        _keep_baselines(live)
        told = set(drifts_open().values_list("group_id", "box_id"))
        for key, one in drifting.items():
            if key not in told:
                _find(one, now)
        ids = list(drifts_open().values_list("id", flat=True))
    for drift_id in ids:
        try:
            _follow(drift_id, drifting.keys(), now)
        except GemelError:
            logger.exception("Drift %s could not go on and is tried again", drift_id)


def _key(live: LiveAccuracy) -> _Key:
    return live.running.member.group_id, live.running.box.id


def _keep_baselines(live: Iterable[LiveAccuracy]) -> None:
    """Those that have become known just now."""
    Baseline.objects.bulk_create(
        [
            Baseline(
                member_id=one.running.member.id,
                query_id=one.running.query.id,
                version=one.watched.version,
                value=one.baseline.value,
                frames=one.baseline.frames,
            )
            for one in live
            if isinstance(one.baseline, WindowAccuracy)
        ],
        ignore_conflicts=True,
    )


def _find(live: LiveAccuracy, now: datetime) -> None:
    running, window = live.running, live.window
    assert window is not None
    assert live.bar is not None
    site_id = running.box.site_id
    figures = {"value": window.value, "lower": window.lower, "upper": window.upper, "frames": window.frames}
    drift = Drift.objects.create(
        site_id=site_id,
        group_id=running.member.group_id,
        box=running.box,
        query=running.query,
        query_name=running.query.name,
        bar=live.bar,
        window_s=live.window_s,
        found_at=now,
        **figures,
    )
    detail = {"box": running.box.name, "query": running.query.name, "bar": live.bar, "window_s": live.window_s}
    audit_record(actor=None, action="drift.find", subject=drift, site_id=site_id, now=now, detail=detail | figures)


@transaction.atomic
def _follow(drift_id: UUID, drifting: Collection[_Key], now: datetime) -> None:
    drift = drifts_open().select_for_update(of=("self",), skip_locked=True).filter(id=drift_id).first()
    if drift is None:
        return
    response, progress = Response(drift_settings(drift.site).response), _progress(drift, drifting, now)
    step = next_step(DriftState(drift.state), response, progress)
    if step is not Step.NOTHING:
        _STEPS[step](drift, now)
        site_changed(drift.site_id, "drift", drift.id)


def _progress(drift: Drift, drifting: Collection[_Key], now: datetime) -> Progress:
    datasets = Dataset.objects.filter(id__in=drift.datasets).values_list("state", flat=True)
    groups = () if drift.run is None else drift.run.groups.values_list("state", flat=True)
    return Progress(
        is_drifting=(drift.group_id, drift.box_id) in drifting,
        is_running=_is_running(drift),
        is_where_found=drift.is_where_found,
        is_told=drift.until is None or drift.until <= now,
        datasets=tuple(DatasetState(state) for state in datasets),
        run=drift.run.state if drift.run else "",
        new_groups=tuple(MergedGroupState(state) for state in groups),
    )


def _is_running(drift: Drift) -> bool:
    if drift.is_where_found:
        return bool(drift.group.state == MergedGroupState.APPROVED)
    return PlacedMember.objects.filter(box=drift.box_id, member__group=drift.group_id).exists()


def _revert(drift: Drift, now: datetime) -> None:
    """On this box only. What it is decided, published and told by says why, in figures."""
    reason = figures_of(drift)
    if drift.is_where_found:
        merged_group_decide(actor=None, group=drift.group, verdict=Verdict.REVERT, reason=reason, now=now)
        bundle_publish(box=drift.box, reason=f"reverted: {reason}", now=now)
    else:
        placement_withdraw(group=drift.group, box=drift.box, reason=reason, now=now)
    drift.state, drift.reverted_at, drift.until = DriftState.REVERTED, now, now + TOLD_FOR
    drift.save(update_fields=["state", "reverted_at", "until"])


def _collect(drift: Drift, now: datetime) -> None:
    """Frames of every camera of the group as its privacy allows; where it allows none, no merge can follow."""
    settings = drift_settings(drift.site)
    queries = drift.group.members.exclude(query=None).values("query")
    cameras = list(Camera.objects.filter(queries__in=queries).select_related("box__site").distinct())
    hidden = [camera.name for camera in cameras if camera.privacy == Privacy.OFF]
    if hidden:
        _give_up(drift, f"The privacy of {', '.join(hidden)} keeps pictures on the box: no frames to merge with.", now)
        return
    asked = [
        dataset_request(
            actor=None,
            camera=camera,
            name=f"after drift, {now:%Y-%m-%d %H:%M}",
            frames=settings.merge_frames,
            span_s=float(settings.merge_span_s),
            now=now,
        )
        for camera in cameras
    ]
    drift.datasets, drift.state = [str(dataset.id) for dataset in asked], DriftState.COLLECTING
    drift.save(update_fields=["datasets", "state"])


def _start_merge(drift: Drift, now: datetime) -> None:
    """From the weights that were deployed last. Waits while another run of the box is going on."""
    try:
        with transaction.atomic():
            run = merge_run_start(actor=None, box=drift.box, starts_from=drift.group, now=now)
    except Conflict:
        return
    except GemelError as error:
        _give_up(drift, f"No new merge could be started: {error}", now)
        return
    drift.run, drift.state = run, DriftState.MERGING
    drift.save(update_fields=["run", "state"])


def _await_decision(drift: Drift, now: datetime) -> None:
    drift.state = DriftState.WAITING
    drift.save(update_fields=["state"])


def _fail(drift: Drift, now: datetime) -> None:
    if drift.run is not None:
        why = drift.run.problem or "The new merge found nothing that keeps every target."
    else:
        rejected = Dataset.objects.filter(id__in=drift.datasets, state=DatasetState.REJECTED).first()
        why = f"No fresh frames came: {rejected.problem if rejected else 'their data set was deleted.'}"
    _give_up(drift, why, now)


def _give_up(drift: Drift, why: str, now: datetime) -> None:
    """The originals run on. People are told for a day: what merging saved is gone until somebody merges again."""
    drift.state, drift.problem, drift.until = DriftState.FAILED, why, now + TOLD_FOR
    drift.save(update_fields=["state", "problem", "until"])
    detail = {"problem": why}
    audit_record(actor=None, action="drift.fail", subject=drift, site_id=drift.site_id, now=now, detail=detail)


def _end(drift: Drift, now: datetime) -> None:
    drift.state, drift.ended_at = DriftState.ENDED, now
    drift.save(update_fields=["state", "ended_at"])
    audit_record(actor=None, action="drift.end", subject=drift, site_id=drift.site_id, now=now)


_STEPS = {
    Step.REVERT: _revert,
    Step.COLLECT: _collect,
    Step.START_MERGE: _start_merge,
    Step.AWAIT_DECISION: _await_decision,
    Step.FAIL: _fail,
    Step.RECOVER: _end,
    Step.END: _end,
}


def _locked() -> bool:
    with transaction.get_connection().cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        return bool(cursor.fetchone()[0])
