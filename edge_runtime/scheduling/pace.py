"""How fast a model runs now: corrections to its profile from what its runs really take. Pure.

A profile is measured once, perhaps in a bad moment. Without correction a moment of load would condemn a query for ever:
all its frames look hopeless, so it never runs, so nothing ever shows that it could.
"""

from dataclasses import replace

from edge_runtime.scheduling.words import Batch, ModelProfile

WEIGHT = 0.3  # of one run in the running mean
NOTABLE = 0.1  # smaller relative changes are not worth new profiles
DOUBT_AFTER_S = 1.0


def observed(model: ModelProfile, frames: int, run_ms: float) -> tuple[Batch, ...] | None:
    """The batches after a run of `frames` frames took `run_ms`; None where that changes next to nothing.

    A run ends the doubt about its batch. More frames take no less time: else doubt, which halves all, would leave
    larger batches that never run at nothing.
    """
    used = model.batch_for(frames)
    is_doubted = used.doubted_ms is not None
    mean_ms = run_ms if is_doubted else used.run_ms + WEIGHT * (run_ms - used.run_ms)
    if not is_doubted and abs(mean_ms - used.run_ms) <= NOTABLE * used.run_ms:
        return None

    def corrected(batch: Batch) -> Batch:
        if batch is used:
            return replace(batch, run_ms=mean_ms, doubted_ms=None)
        return replace(batch, run_ms=max(batch.run_ms, mean_ms)) if batch.size > used.size else batch

    return tuple(map(corrected, model.batches))


def doubted(model: ModelProfile) -> tuple[Batch, ...]:
    """Half the run times, as a belief: for a model whose frames have all looked hopeless for DOUBT_AFTER_S."""
    return tuple(replace(batch, run_ms=batch.run_ms / 2, doubted_ms=batch.measured_ms) for batch in model.batches)
