"""One answer in a person's words, and the newest of every query: what previews and sampling draw on."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from edge_runtime.protocol.target import Zone
from edge_runtime.vision.spec import Detections, Frame, Prediction


@dataclass(frozen=True)
class Result:
    """One answer. `name`, `objects`, `rate_fps` and `zone` are the query's; `classes`: what labels index.

    `latency_ms`: capture to answer. `outside`: what was found outside the zone. It does not count, but people there are
    to be blurred all the same.
    """

    query: str
    name: str
    objects: tuple[str, ...]
    frame: Frame
    prediction: Prediction
    classes: tuple[str, ...]
    rate_fps: float = 5.0
    latency_ms: float = 0.0
    zone: Zone = ()
    outside: Detections | None = None

    @property
    def wanted(self) -> tuple[str, ...]:
        return self.objects or self.classes


class ResultBoard:
    """Written by the executor's thread, read on the event loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._results: dict[str, Result] = {}

    def put(self, result: Result) -> None:
        with self._lock:
            self._results[result.query] = result

    def keep_only(self, queries: Iterable[str]) -> None:
        with self._lock:
            self._results = {query: self._results[query] for query in queries if query in self._results}

    def of_camera(self, camera: str, *, since: float = float("-inf")) -> tuple[Result, ...]:
        """Results on frames captured at or after `since` (monotonic seconds), newest frame first."""
        with self._lock:
            results = [result for result in self._results.values() if result.frame.camera == camera]
        fresh = [result for result in results if result.frame.captured_at >= since]
        return tuple(sorted(fresh, key=lambda result: -result.frame.captured_at))
