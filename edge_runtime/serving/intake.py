"""From cameras to queues: thins each camera to every query's rate and keeps only the newest few frames per query.

Called by camera threads and by the executor's; one lock, held for a few operations on small queues.
"""

import math
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from edge_runtime.protocol.target import QueryTarget
from edge_runtime.scheduling.batching import kept_frames
from edge_runtime.scheduling.words import Waiting
from edge_runtime.vision.spec import Frame

_SILENT_AFTER_PERIODS = 3  # a camera that skipped so many frames is not expected to give one soon


class _Queue:
    def __init__(self, target: QueryTarget) -> None:
        self.target = target
        self.frames: deque[Frame] = deque()
        self.capacity = kept_frames(target.rate_fps, target.deadline_ms)
        self._due_at = -math.inf

    def is_due(self, captured_at: float) -> bool:
        """Whether a frame of this time is wanted. A tenth of a period early counts: cameras are not that punctual."""
        period_s = 1 / self.target.rate_fps
        if captured_at < self._due_at - period_s / 10:
            return False
        is_steady = captured_at < self._due_at + period_s
        self._due_at = (self._due_at if is_steady else captured_at) + period_s
        return True

    def waiting(self, now: float) -> Waiting:
        target = self.target
        silent_at = self._due_at + _SILENT_AFTER_PERIODS / target.rate_fps
        return Waiting(
            query=target.query,
            slot=target.slot,
            captured_at=tuple(frame.captured_at for frame in self.frames),
            deadline_ms=target.deadline_ms,
            priority=target.priority,
            expected_at=self._due_at if now < silent_at else math.inf,
        )


class Intake:
    """`on_dropped(query, frames)` is called, under the lock, for frames that newer ones push out."""

    def __init__(self, on_dropped: Callable[[str, int], None]) -> None:
        self._lock = threading.Lock()
        self._on_dropped = on_dropped
        self._queues: dict[str, _Queue] = {}

    def retarget(self, queries: Sequence[QueryTarget]) -> None:
        """From now on feed `queries`. One that was there before keeps its waiting frames; the others' are let go."""
        with self._lock:
            before, self._queues = self._queues, {query.query: _Queue(query) for query in queries}
            for name, queue in self._queues.items():
                if name in before and before[name].target.camera == queue.target.camera:
                    queue.frames.extend(before[name].frames)

    def offer(self, frame: Frame) -> bool:
        """Queues `frame` for the queries of its camera that are due; says whether any was."""
        with self._lock:
            due = [
                queue
                for queue in self._queues.values()
                if queue.target.camera == frame.camera and queue.is_due(frame.captured_at)
            ]
            for queue in due:
                queue.frames.append(frame)
                if len(queue.frames) > queue.capacity:
                    queue.frames.popleft()
                    self._on_dropped(queue.target.query, 1)
            return bool(due)

    def queues(self, now: float) -> list[Waiting]:
        """All queries, those without waiting frames too."""
        with self._lock:
            return [queue.waiting(now) for queue in self._queues.values()]

    @property
    def is_empty(self) -> bool:
        with self._lock:
            return not any(queue.frames for queue in self._queues.values())

    def take(self, query: str, frames: int) -> list[Frame]:
        """Removes the oldest waiting frames of `query`: at most `frames`, fewer where fewer wait."""
        with self._lock:
            queue = self._queues.get(query)
            if queue is None:
                return []
            return [queue.frames.popleft() for _ in range(min(frames, len(queue.frames)))]

    def drop(self, drops: Iterable[tuple[str, int]]) -> None:
        """Takes frames away unprocessed, and counts them."""
        for query, frames in drops:
            taken = len(self.take(query, frames))
            if taken:
                self._on_dropped(query, taken)
