"""When a picture is due, how old it is, and whether anybody wants it: pure arithmetic, the reader does the waiting."""

import math
from collections import deque

_LATE_S = 1.0
_RATE_WINDOW_S = 5.0
_BEHIND_S, _FRESH_S = 1.0, 0.5
_HURRY_S = 5.0
_CLOCK_SLIP_S = 1.0
_CLOCK_DRIFT = 1e-3


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


class Backlog:
    """How far a live source's pictures lag behind their capture, told from time stamps and arrivals alone.

    The picture that came soonest after its time stamp is taken as fresh; every other is as old as it came later than
    that. A network that stood still, or a box too busy to decode, leaves a queue of old pictures: `is_behind` then says
    to hurry to the newest, until a key picture (the only kind that decoding can start from) is fresh again.
    """

    def __init__(self) -> None:
        self._soonest: float | None = None
        self._last = (0.0, 0.0)
        self._behind_since: float | None = None

    @property
    def is_behind(self) -> bool:
        return self._behind_since is not None

    def lag_s(self, seconds: float, now: float, *, is_key: bool) -> float:
        """Age at `now` of the picture with time stamp `seconds`."""
        came = now - seconds
        before_seconds, before = self._last
        self._last = (seconds, now)
        is_restart = seconds < before_seconds - _CLOCK_SLIP_S
        is_stuck = self._behind_since is not None and now - self._behind_since > _HURRY_S
        if self._soonest is None or is_restart or is_stuck:
            # Hurrying through old pictures takes moments: a lag that stays is a clock that was set, not a queue.
            self._soonest, self._behind_since = came, None
        # The camera's clock may run slower than ours, by far less than this.
        self._soonest = min(self._soonest + _CLOCK_DRIFT * (now - before), came)
        lag = came - self._soonest
        if lag > _BEHIND_S and self._behind_since is None:
            self._behind_since = now
        elif lag < _FRESH_S and is_key:
            self._behind_since = None
        return lag


def keep_every(source_fps: float, wanted_fps: float | None) -> int:
    """Keep every n-th picture, so that at least `wanted_fps` remain, evenly spaced; 1 where either rate is unknown.

    Even spacing matters: 10 of 25 a second, picked as they fall due, come 80 and 120 ms apart, and a query that thins
    them again to 10 a second would refuse the early ones.
    """
    if not wanted_fps or source_fps <= 0:
        return 1
    return max(1, math.floor(source_fps / wanted_fps + 1e-6))


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
