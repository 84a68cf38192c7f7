"""How many frames wait, which run together, and which are beyond help: pure, and the same for every policy."""

import math
from collections.abc import Sequence

from edge_runtime.scheduling.words import ModelProfile, Take, Waiting

_KEPT_LEAST, _KEPT_MOST = 2, 8  # a batch's worth of pictures, but not minutes of video


def kept_frames(rate_fps: float, deadline_ms: int) -> int:
    """How many frames of a query wait at most; newer ones push the oldest out."""
    return min(max(math.ceil(rate_fps * deadline_ms / 1000), _KEPT_LEAST), _KEPT_MOST)


def hopeless(now: float, waiting: Waiting, model: ModelProfile) -> int:
    """How many of the oldest frames would miss their deadline even if the model, resident, ran them at once.

    Load time is left out on purpose: frames captured during a load can still be met after it, so a model that takes
    longer to load than its deadline must not be given up.
    """
    finished_at = now + model.batches[0].run_ms / 1000
    return waiting.overdue(finished_at)


def takes_for(now: float, queues: Sequence[Waiting], model: ModelProfile, room_bytes: int) -> tuple[Take, ...]:
    """The frames of `queues` (all of this model's slot) to run as one batch that needs at most `room_bytes`.

    The batch with most frames in time wins, by priority, then the faster one. Frames go by deadline.
    Empty when every frame is hopeless.
    """
    frames = sorted(
        (queue.due_at(captured_at), position, queue.priority)
        for position, queue in enumerate(queues)
        for captured_at in queue.captured_at[hopeless(now, queue, model) :]
    )
    best: tuple[float, float] = (0.0, 0.0)
    size = 0
    for count in range(1, min(len(frames), model.largest_batch(room_bytes).size) + 1):
        run_ms = model.batch_for(count).run_ms
        in_time = sum(priority for due_at, _, priority in frames[:count] if due_at >= now + run_ms / 1000)
        if (in_time, -run_ms) > best or not size:
            best, size = (in_time, -run_ms), count
    return _takes(queues, [position for _, position, _ in frames[:size]])


def _takes(queues: Sequence[Waiting], positions: Sequence[int]) -> tuple[Take, ...]:
    counted = ((queue.query, positions.count(position)) for position, queue in enumerate(queues))
    return tuple(Take(query, frames) for query, frames in counted if frames)
