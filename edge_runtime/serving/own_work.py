"""How long the runtime's own work in a visit takes: deciding, planning copies ahead, accounting; no runs, no swaps.

Of the last visits, by whether memory held all models: where it does there is little to decide.
"""

import statistics
from collections import deque

_KEPT = 64
_ENOUGH = 8  # fewer say more of the moment than of the box


class OwnWork:
    def __init__(self) -> None:
        self._times_ms: dict[bool, deque[float]] = {is_short: deque(maxlen=_KEPT) for is_short in (False, True)}

    def note(self, time_ms: float, *, is_short: bool) -> None:
        """`is_short`: of memory."""
        self._times_ms[is_short].append(time_ms)

    def times_ms(self, *, is_short: bool) -> list[float]:
        return list(self._times_ms[is_short])

    def median_ms(self, *, is_short: bool, otherwise: float) -> float:
        """`otherwise`: until there were visits enough."""
        times_ms = self.times_ms(is_short=is_short)
        return statistics.median(times_ms) if len(times_ms) >= _ENOUGH else otherwise
