"""When a picture is due and whether anybody wants it: pure arithmetic, the reader does the waiting."""

import math
from collections import deque

_LATE_S = 1.0
_RATE_WINDOW_S = 5.0


class Pace:
    """Maps the time stamps of a recording to the clock. Starts again when the reader falls far behind.

    Without that, a box that stood still for a minute would play a minute of film at once.
    """

    def __init__(self) -> None:
        self._offset: float | None = None

    def delay_s(self, seconds: float, now: float) -> float:
        """Seconds to wait at `now` before showing the picture with time stamp `seconds`."""
        if self._offset is None or now - (self._offset + seconds) > _LATE_S:
            self._offset = now - seconds
        return max(0.0, self._offset + seconds - now)


class RateGate:
    """Lets at most `rate_fps` pictures a second through, on an even grid; everything when the rate is None."""

    def __init__(self) -> None:
        self._slot: int | None = None
        self._rate: float | None = None

    def admits(self, seconds: float, rate_fps: float | None) -> bool:
        if rate_fps is None:
            return True
        # The small term keeps 0.1 + 0.2 from falling into the slot before.
        slot = math.floor(seconds * rate_fps + 1e-6)
        if slot == self._slot and rate_fps == self._rate:
            return False
        self._slot, self._rate = slot, rate_fps
        return True


class RateMeter:
    """Pictures per second over the last seconds."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def count(self, now: float) -> None:
        self._times.append(now)
        self._forget(now)

    def rate_fps(self, now: float) -> float:
        self._forget(now)
        if len(self._times) < 2:
            return 0.0
        return (len(self._times) - 1) / max(1e-3, self._times[-1] - self._times[0])

    def _forget(self, now: float) -> None:
        while self._times and now - self._times[0] > _RATE_WINDOW_S:
            self._times.popleft()
