"""Jobs: messages lost and delivered twice, workers and merging children killed, checkpoints damaged."""

import contextlib
import os
import signal
import time
from pathlib import Path

import psutil
from django.utils import timezone

from benchmarks.faults.fault import Outcome, Violated, fault
from benchmarks.faults.product import Product
from webapp.jobs import services
from webapp.jobs.models import Job, JobState
from webapp.merges.models import MergeRun, MergeRunState
from webapp.merges.policies import RunSettings
from webapp.merges.selectors import UNENDED
from webapp.merges.services import merge_run_cancel, merge_run_start
from webapp.workloads.models import Dataset, DatasetState
from webapp.workloads.services import dataset_request, model_delete

FRAMES, SPAN_S = 240, 40.0  # a merge needs 100, and a busy machine drops some
# A busy machine needs minutes to the first checkpoint. What matters is that a run goes on and ends in order; whether it
# finds a merged group depends on the weather and light of the 40 s that it was given.
MERGE_S = 400
MERGE_RECOVER_S = 1200.0
WEIGHTS = "bridge-east-weather"


@fault("message of a job lost")
def job_message_lost(product: Product) -> Outcome:
    send, services._send = services._send, lambda job: None
    try:
        model = product.fleet.register(WEIGHTS, "lost message")
    finally:
        services._send = send
    took = product.until(lambda: product.fleet.is_checked(model))
    model_delete(actor=None, model=model, now=timezone.now())
    return Outcome(took, "beat sends what waits for more than 30 s again")


@fault("message of a job delivered twice")
def job_message_twice(product: Product) -> Outcome:
    started = time.monotonic()
    model = product.fleet.register(WEIGHTS, "two messages")
    job = Job.objects.get(subject=model.id)
    services._send(job)
    product.until(lambda: product.fleet.is_checked(model))
    time.sleep(3)  # for a second run to show
    job.refresh_from_db()
    model_delete(actor=None, model=model, now=timezone.now())
    if job.attempts != 1:
        raise Violated(f"the job ran {job.attempts} times")
    return Outcome(time.monotonic() - started - 3, "claimed once")


@fault("worker light killed (kill -9) in the middle of a check")
def light_worker_killed(product: Product) -> Outcome:
    model = product.fleet.register(WEIGHTS, "killed check")
    product.until(lambda: Job.objects.filter(subject=model.id, state=JobState.RUNNING).exists())
    product.processes.kill("worker-light")
    product.processes.start_again("worker-light")
    took = product.until(lambda: product.fleet.is_checked(model))
    model_delete(actor=None, model=model, now=timezone.now())
    return Outcome(took, "taken over when its lease of a minute has ended")


@fault("merging child killed (kill -9)", bound="work since the last checkpoint")
def merging_child_killed(product: Product) -> Outcome:
    run, _ = _merging(product)
    (child,) = _merging_children(product)
    os.kill(child, signal.SIGKILL)
    took = product.until(lambda: _resumed(product, {child}), MERGE_RECOVER_S)
    return Outcome(took, _ended(product, run))


@fault("worker gpu killed (kill -9) in the middle of a merge run", bound="work since the last checkpoint")
def gpu_worker_killed(product: Product) -> Outcome:
    run, _ = _merging(product)
    before = _kill_worker(product)
    product.processes.start_again("worker-gpu")
    took = product.until(lambda: _resumed(product, before), MERGE_RECOVER_S)
    return Outcome(took, _ended(product, run))


@fault("merge checkpoint damaged", bound="the search starts anew")
def checkpoint_damaged(product: Product) -> Outcome:
    run, checkpoint = _merging(product)
    _kill_worker(product)
    for path in checkpoint.parent.rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    product.processes.start_again("worker-gpu")
    started = time.monotonic()
    note = _ended(product, run)
    return Outcome(time.monotonic() - started, note)


def _merging(product: Product) -> tuple[MergeRun, Path]:
    """A merge run that has written a checkpoint, and where."""
    fleet = product.fleet
    if not Dataset.objects.filter(camera=fleet.camera, state=DatasetState.READY).exists():
        dataset_request(
            actor=None, camera=fleet.camera, name="street", frames=FRAMES, span_s=SPAN_S, now=timezone.now()
        )
        product.until(lambda: Dataset.objects.filter(camera=fleet.camera, state=DatasetState.READY).exists())
    _end_earlier(product)
    settings = RunSettings(strategy="optimistic", time_limit_s=MERGE_S)
    run = merge_run_start(actor=None, box=fleet.box, settings=settings, now=timezone.now())
    checkpoint = product.var / "runs" / str(run.id) / "out" / "checkpoint" / "checkpoint.json"

    def is_written() -> bool:
        """a checkpoint of the merge run"""
        if MergeRun.objects.get(id=run.id).state not in UNENDED:
            raise Violated("the merge run ended before it wrote a checkpoint")
        return checkpoint.exists()

    product.until(is_written, MERGE_RECOVER_S)
    return run, checkpoint


def _end_earlier(product: Product) -> None:
    """A fault that went wrong leaves its merge run behind, and a box has one at a time."""
    left = MergeRun.objects.filter(box=product.fleet.box, state__in=UNENDED)
    for run in left:
        merge_run_cancel(actor=None, run=run, now=timezone.now())
    product.until(lambda: not left.exists())


def _kill_worker(product: Product) -> set[int]:
    """With its child, as the machine or its container ends them. The processes that were there."""
    worker = psutil.Process(product.processes.pid("worker-gpu"))
    children = worker.children(recursive=True)
    product.processes.kill("worker-gpu")
    for child in children:
        child.kill()
    psutil.wait_procs(children, timeout=10)
    return {child.pid for child in children}


def _resumed(product: Product, before: set[int]) -> bool:
    """the merge going on from its checkpoint"""
    return any(child not in before and "--resume" in line for child, line in _merging_children(product).items())


def _merging_children(product: Product) -> dict[int, list[str]]:
    """Process ids and command lines of those that run. A killed one is a zombie until its parent has seen it."""
    found = {}
    for child in psutil.Process(product.processes.pid("worker-gpu")).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            found[child.pid] = child.cmdline()
    return {child: line for child, line in found.items() if "workers.merging" in line}


def _ended(product: Product, run: MergeRun) -> str:
    def has_ended() -> bool:
        """the end of the merge run"""
        run.refresh_from_db()
        return run.state not in UNENDED

    product.until(has_ended, MERGE_RECOVER_S)
    if run.state != MergeRunState.SUCCEEDED:
        raise Violated(f"the merge run {run.state}: {run.problem}")
    found = run.groups.count()
    return f"the run ended in order, with {found} merged group{'' if found == 1 else 's'}"
