"""The Python API of a merge run: `merge`. Reads what it needs, refuses what cannot be used, and starts or resumes."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from edge_runtime.protocol.errors import GemelError
from workers.merging.checkpoint import Checkpoint, CheckpointFolder, require_same
from workers.merging.disk import DiskUsage, disk_usage
from workers.merging.events import EventFile, EventType, Listener
from workers.merging.identity import options_identity
from workers.merging.merge_run import MergeRun, seconds_spent
from workers.merging.options import RunOptions
from workers.merging.progress import CHECKPOINT_EVERY_S, Progress
from workers.merging.queries import MergingQuery, load_queries
from workers.merging.result import Result
from workers.merging.run_folder import CHECKPOINT, EVENTS
from workers.merging.run_state import decode_state
from workers.merging.strategies import strategy
from workers.merging.workload import WorkloadFile

__all__ = ["RunOptions", "merge"]


def merge(
    file: WorkloadFile,
    out: Path,
    options: RunOptions = RunOptions(),
    *,
    queries: Sequence[MergingQuery] | None = None,
    listeners: Sequence[Listener] = (),
    is_cancelled: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
    usage: DiskUsage = disk_usage,
    checkpoint_every_s: float = CHECKPOINT_EVERY_S,
) -> Result:
    """Runs to the end, a limit or cancellation; what was accepted until then is in `out` and in the result.

    `queries`: those of `file`, where they are loaded already. Raises GemelError for input that cannot be used, after a
    "failed" event. A resume that is refused writes nothing.
    """
    out.mkdir(parents=True, exist_ok=True)
    progress = Progress(
        listeners,
        clock=clock,
        time_limit_s=options.time_limit_s,
        sample_limit=options.sample_limit,
        is_cancelled=is_cancelled,
        checkpoint_every_s=checkpoint_every_s,
    )
    log = EventFile(out / EVENTS, appends=options.resume)
    try:
        chosen = strategy(options.strategy)
        checkpoint = _checkpoint_to_resume(out, options)
        if checkpoint is None:
            progress.write_to(log)
        else:
            progress.count_from(seconds_spent(out, decode_state(checkpoint.state)))
        progress.tell(EventType.PROGRESS, "Reading weights and frames.")
        if queries is None:
            queries = tuple(load_queries(file, torch.device(options.device)))
        run = MergeRun(queries, out, options, progress, usage)
        if checkpoint is None:
            return run.run(chosen)
        run.require_same(checkpoint)
        progress.write_to(log)
        return run.resume(chosen, checkpoint)
    except GemelError as error:
        progress.tell(EventType.FAILED, str(error))
        raise
    finally:
        log.close()


def _checkpoint_to_resume(out: Path, options: RunOptions) -> Checkpoint | None:
    """Refuses other options before any frame is read."""
    folder = CheckpointFolder(out / CHECKPOINT)
    if not options.resume or not folder.exists:
        return None
    checkpoint, wanted = folder.read(), options_identity(options)
    require_same({name: checkpoint.identity[name] for name in wanted if name in checkpoint.identity}, wanted)
    return checkpoint
