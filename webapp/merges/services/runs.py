"""A merge run's life: requested, started, heard of, ended. What it found is results' work."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext

from webapp.audit.services import audit_record
from webapp.common.errors import Conflict, InvalidInput
from webapp.fleets.models import Box, Role
from webapp.fleets.policies import require_role
from webapp.jobs.services import job_cancel, job_enqueue
from webapp.merges.models import MergedGroup, MergeRun, MergeRunEvent, MergeRunQuery, MergeRunState
from webapp.merges.policies import DEFAULT_SETTINGS, RunSettings, check_run
from webapp.merges.selectors import UNENDED, Requirement, merge_requirements
from webapp.merges.task_names import GPU_QUEUE, MERGE_RUN
from webapp.realtime.topics import Topic, TopicKind, live_publish_on_commit, site_changed

PROGRESS = "progress"  # types of the core's events: how far a training is,
EVALUATED = "evaluated"  # and a trial's figures, whose bytes are not those of what is accepted


class DataMissing(InvalidInput):
    """The run was refused because a query has too little data; the message says which and what."""

    code = "data_missing"


@transaction.atomic
def merge_run_start(
    *,
    actor: Any | None,
    box: Box,
    settings: RunSettings = DEFAULT_SETTINGS,
    starts_from: MergedGroup | None = None,
    now: datetime,
) -> MergeRun:
    """A run over the box's whole workload, queued. Raises DataMissing, Conflict while another run is going on.

    `starts_from`: an earlier merged group of the box; its queries start from its weights.
    """
    require_role(actor, box.site, Role.OPERATOR)
    check_run(settings)
    Box.objects.select_for_update().get(id=box.id)
    if MergeRun.objects.filter(box=box, state__in=UNENDED).exists():
        raise Conflict(gettext("A merge run of %(box)s is going on already: wait for it or cancel it.") % {"box": box})
    requirements = merge_requirements(box)
    missing = [requirement.missing for requirement in requirements if requirement.missing]
    if missing:
        raise DataMissing(" ".join(missing))
    run = merge_run_create(actor=actor, box=box, settings=settings, requirements=requirements, now=now)
    run.job = job_enqueue(task=MERGE_RUN, queue=GPU_QUEUE, subject=run.id, now=now)
    run.starts_from = starts_from
    run.save(update_fields=["job", "starts_from"])
    return run


def merge_run_create(
    *,
    actor: Any | None,
    box: Box,
    settings: RunSettings,
    requirements: Sequence[Requirement],
    now: datetime,
) -> MergeRun:
    """The run's row and those of its queries, without a job: for a start, and for a result that is there already."""
    run = MergeRun.objects.create(
        box=box,
        strategy=settings.strategy,
        match=settings.match,
        time_limit_s=settings.time_limit_s,
        requested_by=actor,
        created_at=now,
    )
    MergeRunQuery.objects.bulk_create(
        MergeRunQuery(
            run=run,
            query=found.query,
            model=found.query.model,
            dataset=found.dataset,
            name=found.query.name,
            accuracy_target=settings.targets.get(found.query.id, found.query.accuracy_target),
        )
        for found in requirements
        if found.query is not None
    )
    detail = {"box": box.name, "strategy": settings.strategy} | _own_targets(settings, requirements)
    audit_record(actor=actor, action="merge_run.start", subject=run, site_id=box.site_id, now=now, detail=detail)
    site_changed(box.site_id, "merge-run", run.id)
    return run


def _own_targets(settings: RunSettings, requirements: Sequence[Requirement]) -> dict[str, Any]:
    """For the audit log: the targets that somebody set for this run only, by query name."""
    queries = [found.query for found in requirements if found.query is not None]
    given = {query.name: settings.targets.get(query.id, query.accuracy_target) for query in queries}
    own = {query.name: given[query.name] for query in queries if given[query.name] != query.accuracy_target}
    return {"targets": own} if own else {}


@transaction.atomic
def merge_run_cancel(*, actor: Any | None, run: MergeRun, now: datetime) -> None:
    """Ends a queued run at once; a running one as soon as its worker looks. Raises Conflict when it has ended."""
    require_role(actor, run.box.site, Role.OPERATOR)
    run = MergeRun.objects.select_for_update(of=("self",)).select_related("box", "job").get(id=run.id)
    if run.state not in UNENDED or run.job is None:
        raise Conflict(gettext("This merge run has %(state)s already.") % {"state": run.state})
    job_cancel(job_id=run.job.id, now=now)
    site_id = run.box.site_id
    audit_record(actor=actor, action="merge_run.cancel", subject=run, site_id=site_id, now=now)
    run.job.refresh_from_db()
    if run.job.ended_at is not None:
        merge_run_ended(run=run, state=MergeRunState.CANCELLED, now=now)
    else:
        live_publish_on_commit(Topic(TopicKind.MERGE_RUN, run.id), "state", state="cancelling")


@transaction.atomic
def merge_run_started(*, run: MergeRun, is_resumed: bool = False, now: datetime) -> None:
    """A worker begins. One that goes on from a checkpoint leaves the events of the one that died; another removes them.

    A run that is resumed keeps the time at which it first started.
    """
    if not is_resumed:
        run.events.all().delete()
    run.state = MergeRunState.RUNNING
    run.started_at = run.started_at if is_resumed and run.started_at else now
    run.save(update_fields=["state", "started_at"])
    _state_publish(run)


@transaction.atomic
def merge_run_event_record(*, run: MergeRun, payload: dict[str, Any], now: datetime) -> MergeRunEvent:
    """Keeps one event of the core and shows it to who watches; its byte counts become the run's.

    Of progress only the newest is kept, so that a run of a week leaves as many rows as things happened in it.
    """
    last = run.events.aggregate(last=Max("seq"))["last"]
    if payload["type"] == PROGRESS:
        run.events.filter(seq=last, payload__type=PROGRESS).delete()
    event = MergeRunEvent.objects.create(run=run, seq=0 if last is None else last + 1, at=now, payload=payload)
    run.bytes_before = payload.get("bytes_before", run.bytes_before)
    if payload["type"] != EVALUATED:
        run.bytes_after = payload.get("bytes_after", run.bytes_after)
    run.save(update_fields=["bytes_before", "bytes_after"])
    live_publish_on_commit(Topic(TopicKind.MERGE_RUN, run.id), "event", event=payload, seq=event.seq)
    return event


@transaction.atomic
def merge_run_ended(*, run: MergeRun, state: MergeRunState, problem: str = "", now: datetime) -> None:
    run.state, run.problem, run.ended_at = state, problem, now
    run.save(update_fields=["state", "problem", "ended_at"])
    detail = {"state": state.value, "problem": problem}
    site_id = run.box.site_id
    audit_record(actor=None, action="merge_run.end", subject=run, site_id=site_id, now=now, detail=detail)
    _state_publish(run)
    site_changed(site_id, "merge-run", run.id)


def _state_publish(run: MergeRun) -> None:
    topic = Topic(TopicKind.MERGE_RUN, run.id)
    live_publish_on_commit(topic, "state", state=MergeRunState(run.state).value, problem=run.problem)
