"""Takes answers from the executor's thread and works on them in one of its own: follows, counts, tells, writes lines.

The executor never waits. When this thread falls behind, first lines and pictures are let go (an answer is then kept
without its picture), counting goes on; when even that is too much, answers are missed, and that is said: counts of that
time are too low.
"""

import dataclasses
import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable

import numpy as np

from edge_runtime.answers.change_watch import ChangeWatch
from edge_runtime.answers.lines import line_of
from edge_runtime.answers.object_watch import ObjectWatch, TrackerMaker
from edge_runtime.answers.results import Result
from edge_runtime.answers.sighting import Seen, Sighting
from edge_runtime.vision.spec import Detections

log = logging.getLogger(__name__)

# Answers with their pictures: 16 full-HD frames are 100 MB.
WITH_PICTURE = 16
WAITING = 2048
# A camera that gives nothing for so long: what was before it is gone.
_SILENT_S = 5.0
_SAID_FOR_S = 60.0
_NO_PICTURE = np.zeros((0, 0, 3), np.uint8)

LineListener = Callable[[str, bytes], None]


class AnswerDesk:
    """`on_result` and `on_sighting` are called on this desk's thread. `clock`: monotonic seconds.

    `on_result` gets every answer that still has its picture, before anything is made of it.
    """

    def __init__(
        self,
        *,
        tracker: TrackerMaker,
        on_sighting: Callable[[Sighting], None] = lambda sighting: None,
        on_result: Callable[[Result], None] = lambda result: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tracker, self._on_sighting, self._on_result, self._clock = tracker, on_sighting, on_result, clock
        self._listeners: tuple[LineListener, ...] = ()
        self._condition = threading.Condition()
        self._waiting: deque[Result] = deque()
        self._queries: frozenset[str] | None = None  # None: whatever comes
        self._watches: dict[str, ObjectWatch | ChangeWatch] = {}
        self._heard_at: dict[str, float] = {}
        self._appeared: dict[str, Counter[str]] = {}
        self._missed_at = float("-inf")
        self._is_stopping = False
        self._thread: threading.Thread | None = None
        self.missed, self.lines_dropped = 0, 0

    def start(self) -> None:
        self._thread = threading.Thread(target=self._loop, name="answers", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends after the answer at hand; what waits is let go."""
        with self._condition:
            self._is_stopping = True
            self._condition.notify()
        if self._thread:
            self._thread.join(1.0)

    def put(self, result: Result) -> None:
        """From any thread; never waits for the work."""
        with self._condition:
            if len(self._waiting) >= WAITING:
                self._waiting.popleft()
                self.missed += 1
                self._missed_at = self._clock()
            if len(self._waiting) >= WITH_PICTURE:
                self.lines_dropped += bool(self._listeners)
                result = _without_picture(result)
            self._waiting.append(result)
            self._condition.notify()

    def listen(self, listener: LineListener) -> None:
        """`listener(query, line)` is called on this desk's thread for every line, and must be quick."""
        self._listeners = (*self._listeners, listener)

    def keep_only(self, queries: Iterable[str]) -> None:
        """What others saw ends now."""
        with self._condition:
            self._queries = frozenset(queries)
            self._condition.notify()

    def take_appeared(self) -> dict[str, dict[str, int]]:
        """What appeared since the last call, by query and class."""
        with self._condition:
            taken, self._appeared = self._appeared, {}
        return {query: dict(counts) for query, counts in taken.items()}

    def warnings(self) -> tuple[str, ...]:
        with self._condition:
            if self._clock() - self._missed_at > _SAID_FOR_S:
                return ()
            return (f"The box is too busy to count: {self.missed} answers were not looked at, so counts are too low.",)

    def work(self) -> bool:
        """One answer, or what is due without one; False when there was nothing. The thread's loop, or a test's."""
        with self._condition:
            result = self._waiting.popleft() if self._waiting else None
            queries = self._queries
        self._end_removed(queries)
        if result is None:
            self._end_silent()
            return False
        if queries is None or result.query in queries:
            self._take(result)
        return True

    def _loop(self) -> None:
        while not self._is_stopping:
            try:
                if self.work():
                    continue
            except Exception:  # the edge of the thread: a box runs on for months
                log.exception("an answer could not be worked on")
                continue
            with self._condition:
                self._condition.wait_for(lambda: self._waiting or self._is_stopping, 1.0)

    def _take(self, result: Result) -> None:
        has_picture = result.frame.image is not _NO_PICTURE
        if has_picture:
            self._on_result(result)
        self._heard_at[result.query] = self._clock()
        seen = self._see(result)
        if seen.appeared:
            with self._condition:
                self._appeared.setdefault(result.query, Counter()).update(seen.appeared)
        if has_picture and self._listeners:
            line = line_of(result, seen)
            for listener in self._listeners:
                listener(result.query, line)
        self._tell(seen.sightings)

    def _see(self, result: Result) -> Seen:
        is_detection = isinstance(result.prediction, Detections)
        watch = self._watches.get(result.query)
        if watch is None or isinstance(watch, ObjectWatch) is not is_detection:
            watch = self._watches[result.query] = ObjectWatch(self._tracker) if is_detection else ChangeWatch()
        try:
            return watch.see(result)
        except Exception:
            log.exception("following the objects of query %s failed and starts afresh", result.query)
            del self._watches[result.query]
            return Seen()

    def _end_removed(self, queries: frozenset[str] | None) -> None:
        if queries is not None:
            for query in [query for query in self._watches if query not in queries]:
                self._heard_at.pop(query, None)
                self._tell(self._watches.pop(query).end())

    def _end_silent(self) -> None:
        now = self._clock()
        for query, heard_at in list(self._heard_at.items()):
            if now - heard_at > _SILENT_S and query in self._watches:
                del self._heard_at[query]
                self._tell(self._watches[query].end())

    def _tell(self, sightings: Iterable[Sighting]) -> None:
        for sighting in sightings:
            if sighting.frame is not None and sighting.frame.image is _NO_PICTURE:
                sighting = dataclasses.replace(sighting, frame=None)
            self._on_sighting(sighting)


def _without_picture(result: Result) -> Result:
    return dataclasses.replace(result, frame=dataclasses.replace(result.frame, image=_NO_PICTURE))
