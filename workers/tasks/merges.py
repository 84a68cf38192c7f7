"""Merge runs: the core trains in a child process, this one watches it, passes its events on and keeps the lease."""

import logging
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from celery import shared_task
from celery.worker import state as worker_state
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from edge_runtime.protocol.errors import GemelError
from webapp.jobs.models import JobState
from webapp.merges.models import MergeRun, MergeRunQuery, MergeRunState
from webapp.merges.selectors import UNENDED
from webapp.merges.services import merge_run_ended, merge_run_event_record, merge_run_started
from webapp.merges.task_names import MERGE_RUN
from workers.tasks.children import ChildStopped, Ended, run_child
from workers.tasks.leases import Lease, claim
from workers.tasks.merge_files import named_queries, write_workload
from workers.tasks.merge_results import (
    ResultUnusable,
    blobs_take_over,
    has_accepted,
    result_record,
    with_own_names,
)

OUT = "out"  # in the run's folder: what the core writes
GRACE_S = 900.0  # after the time limit the core still measures what it has
NICENESS = 10  # training takes what the pages, and boxes on the same machine, leave
UNUSABLE = 2  # the core's exit status for input that it refused with one sentence,
UNRESUMABLE = 3  # and for a checkpoint

logger = logging.getLogger(__name__)


class CoreFailed(GemelError):
    code = "merge_failed"


@shared_task(name=MERGE_RUN)
def merge_run(job_id: str) -> None:
    lease = claim(job_id)
    if lease is None:
        return
    runs = MergeRun.objects.select_related("box", "starts_from").filter(state__in=UNENDED)
    run = runs.filter(id=lease.job.subject).first()
    if run is None:
        lease.end(JobState.SUCCEEDED)
        return
    folder = Path(settings.VAR_DIR) / "runs" / str(run.id)
    queries = named_queries(run.run_queries.select_related("query", "model", "dataset"))
    try:
        ended = _train(run, lease, folder, queries)
        if ended.code:
            raise CoreFailed(_sentence(ended))
        blobs_take_over(folder / OUT)
        with transaction.atomic():
            is_recorded = lease.end(JobState.SUCCEEDED)
            if is_recorded:
                result_record(run=run, queries=queries, result_dir=folder / OUT, now=timezone.now())
        if is_recorded:
            shutil.rmtree(folder, ignore_errors=True)
    except ChildStopped:
        if lease.is_cancelled():
            _ended(run, lease, folder, queries, JobState.CANCELLED, "")
        else:  # this worker shuts down, or another one took over
            lease.release()
    except GemelError as error:
        _ended(run, lease, folder, queries, JobState.FAILED, str(error))


def _train(run: MergeRun, lease: Lease, folder: Path, queries: Mapping[str, MergeRunQuery]) -> Ended:
    """Goes on from the checkpoint that a worker or child left when it was killed; without one it starts clean.

    A killed child is started again as long as it comes further each time; a checkpoint that is of no use is dropped.
    """
    while True:
        found = _checkpoint_written_at(folder)
        ended = _run_core(run, lease, folder, queries, is_resumed=found is not None)
        if found is not None and ended.code == UNRESUMABLE:
            logger.warning("Merge run %s cannot be resumed and starts anew: %s", run.id, ended.log)
            return _run_core(run, lease, folder, queries, is_resumed=False)
        if not _was_killed(ended) or _checkpoint_written_at(folder) in (None, found):
            return ended
        logger.warning("The merging core of run %s was killed and goes on from its checkpoint.", run.id)


def _checkpoint_written_at(folder: Path) -> int | None:
    path = folder / OUT / "checkpoint" / "checkpoint.json"
    return path.stat().st_mtime_ns if path.is_file() else None


def _was_killed(ended: Ended) -> bool:
    return ended.code < 0 or ended.code > 128


def _run_core(
    run: MergeRun, lease: Lease, folder: Path, queries: Mapping[str, MergeRunQuery], *, is_resumed: bool
) -> Ended:
    if not is_resumed:
        shutil.rmtree(folder, ignore_errors=True)  # what was left there is of no use
    folder.mkdir(parents=True, exist_ok=True)
    merge_run_started(run=run, is_resumed=is_resumed, now=timezone.now())
    arguments = _arguments(write_workload(folder, queries, run.starts_from), folder / OUT, run)
    return run_child(
        [*arguments, "--resume"] if is_resumed else arguments,
        log=folder / "log",
        timeout_s=run.time_limit_s + GRACE_S,
        should_go_on=lambda: not _is_shutting_down() and lease.keep(),
        on_line=lambda line: _event(run, queries, line),
        niceness=NICENESS,
    )


def _is_shutting_down() -> bool:
    """Celery waits for a running task at a warm shutdown; a training is better given back. 0 is an exit status here."""
    return worker_state.should_stop is not None and worker_state.should_stop is not False


def _arguments(workload: Path, out: Path, run: MergeRun) -> list[str]:
    device = os.environ.get("GEMEL_DEVICE", "auto")
    options = {"--strategy": run.strategy, "--out": str(out), "--time-limit": f"{run.time_limit_s}s"}
    options |= {"--match": run.match, "--events": "-", "--device": device}
    return ["-m", "workers.merging", "run", str(workload), *(part for pair in options.items() for part in pair)]


def _event(run: MergeRun, queries: Mapping[str, MergeRunQuery], line: str) -> None:
    """Records one line of the core, with the queries' own names. A line that is no event is something's chatter."""
    try:
        payload: Any = msgspec.json.decode(line)
    except msgspec.DecodeError:
        payload = None
    if not isinstance(payload, dict) or "type" not in payload:
        logger.warning("Merge run %s said: %s", run.id, line.strip()[:200])
        return
    merge_run_event_record(run=run, payload=with_own_names(payload, queries), now=timezone.now())


def _sentence(ended: Ended) -> str:
    """The core's own sentence where it refused its input; otherwise what is known about its end."""
    last = ended.log.splitlines()[-1] if ended.log else ""
    if ended.code == UNUSABLE and last:
        return last
    logger.error("The merging core ended with %s: %s", ended.code, ended.log)
    if _was_killed(ended):
        return "The training was killed, most likely for lack of memory; the originals run on."
    return f"The training ended with an error: {last[:300]}"


def _ended(
    run: MergeRun,
    lease: Lease,
    folder: Path,
    queries: Mapping[str, MergeRunQuery],
    state: JobState,
    problem: str,
) -> None:
    """What was accepted until then waits for a decision, like the result of a run that came to its end."""
    now, run_state = timezone.now(), MergeRunState(state.value)
    try:
        if not has_accepted(folder / OUT):
            raise ResultUnusable("Nothing was accepted.")
        blobs_take_over(folder / OUT)
        with transaction.atomic():
            if lease.end(state, problem):
                result_record(
                    run=run, queries=queries, result_dir=folder / OUT, state=run_state, problem=problem, now=now
                )
    except ResultUnusable as error:
        logger.info("Merge run %s leaves no merged groups: %s", run.id, error)
        with transaction.atomic():
            if lease.end(state, problem):
                merge_run_ended(run=run, state=run_state, problem=problem, now=now)
