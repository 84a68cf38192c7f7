"""Does jobs again and again and says how long they took: often, but not for long."""

import statistics
from collections.abc import Callable, Iterator, Sequence

from edge_runtime.scheduling.measured import Timing
from edge_runtime.serving.tally import percentile

_LONGEST_S = 3.0  # slow jobs are repeated less often, at least _LEAST times
_LEAST = 3


class Repetition:
    def __init__(self, times: int, clock: Callable[[], float]) -> None:
        self._times, self._clock = times, clock

    def rounds(self) -> Iterator[int]:
        """Their numbers. Round 0 is for nothing: it fills caches."""
        yield 0
        started_at, number = self._clock(), 0
        while number < _LEAST or (number < self._times and self._clock() - started_at < _LONGEST_S):
            number += 1
            yield number

    def timing(self, job: Callable[[], object]) -> Timing:
        return timing_of([self.timed(job) for _ in self.rounds()][1:])

    def timed(self, job: Callable[[], object]) -> float:
        """Milliseconds."""
        started_at = self._clock()
        job()
        return 1000 * (self._clock() - started_at)


def timing_of(times_ms: Sequence[float]) -> Timing:
    times = list(times_ms)
    return Timing(statistics.median(times), percentile(times, 10) or 0.0, percentile(times, 90) or 0.0)
