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
from workers.tasks.merge_results import blobs_take_over, result_record, with_own_names

GRACE_S = 900.0  # after the time limit the core still measures what it has
NICENESS = 10  # training takes what the pages, and boxes on the same machine, leave
UNUSABLE = 2  # the core's exit status for input that it refused with one sentence

logger = logging.getLogger(__name__)


class CoreFailed(GemelError):
    code = "merge_failed"


@shared_task(name=MERGE_RUN)
def merge_run(job_id: str) -> None:
    lease = claim(job_id)
    if lease is None:
        return
    runs = MergeRun.objects.select_related("box").filter(state__in=UNENDED)
    run = runs.filter(id=lease.job.subject).first()
    if run is None:
        lease.end(JobState.SUCCEEDED)
        return
    folder = Path(settings.VAR_DIR) / "runs" / str(run.id)
    try:
        _work(run, lease, folder)
    except ChildStopped:
        _stopped(run, lease)
    except GemelError as error:
        _ended(run, lease, JobState.FAILED, str(error))


def _work(run: MergeRun, lease: Lease, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)  # what a worker that died left is of no use: this attempt starts clean
    folder.mkdir(parents=True)
    merge_run_started(run=run, now=timezone.now())
    queries = named_queries(run.run_queries.select_related("query", "model", "dataset"))
    workload = write_workload(folder, queries)
    out = folder / "out"
    ended = run_child(
        _arguments(workload, out, run),
        log=folder / "log",
        timeout_s=run.time_limit_s + GRACE_S,
        should_go_on=lambda: not _is_shutting_down() and lease.keep(),
        on_line=lambda line: _event(run, queries, line),
        niceness=NICENESS,
    )
    if ended.code:
        raise CoreFailed(_sentence(ended))
    blobs_take_over(out)
    with transaction.atomic():
        if lease.end(JobState.SUCCEEDED):
            result_record(run=run, queries=queries, result_dir=out, now=timezone.now())


def _is_shutting_down() -> bool:
    """Celery waits for a running task at a warm shutdown; a training is better given back. 0 is an exit status here."""
    return worker_state.should_stop is not None and worker_state.should_stop is not False


def _arguments(workload: Path, out: Path, run: MergeRun) -> list[str]:
    device = os.environ.get("GEMEL_DEVICE", "cpu")
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
    if ended.code < 0 or ended.code > 128:
        return "The training was killed, most likely for lack of memory: nothing of it was kept, the originals run on."
    return f"The training ended with an error, and nothing of it was kept: {last[:300]}"


def _stopped(run: MergeRun, lease: Lease) -> None:
    """The child was stopped because people cancelled the run, this worker shuts down, or another one took over."""
    if lease.is_cancelled():
        _ended(run, lease, JobState.CANCELLED, "")
    else:
        lease.release()


def _ended(run: MergeRun, lease: Lease, state: JobState, problem: str) -> None:
    with transaction.atomic():
        if lease.end(state, problem):
            merge_run_ended(run=run, state=MergeRunState(state.value), problem=problem, now=timezone.now())
