"""Notices a reload loop: models that drive each other out of memory, so that frames are lost to copying. Pure."""

from collections import deque
from dataclasses import dataclass

WINDOW_S = 30.0
_LEAST_VISITS = 10
_NOTABLE_STALL = 0.4  # of the time; below it a box that swaps still does its work
_NOTABLE_LOSS = 0.1  # of the frames; a box that loses none may swap as it likes


@dataclass(frozen=True)
class _Visit:
    at: float
    stalled_s: float
    answered: int
    lost: int


class ReloadWatch:
    """Fed by one thread; `sentence` may be read by others. A visit costs the same however many the window holds."""

    def __init__(self) -> None:
        self._visits: deque[_Visit] = deque()
        self._stalled_s, self._answered, self._lost = 0.0, 0, 0
        self.sentence = ""

    def note(self, now: float, stalled_s: float, answered: int, lost: int) -> None:
        """One visit: how long it waited for copies, and frames answered and lost since the visit before."""
        visit = _Visit(now, stalled_s, answered, lost)
        self._visits.append(visit)
        self._add(visit, 1)
        while self._visits[0].at < now - WINDOW_S:
            self._add(self._visits.popleft(), -1)
        self.sentence = self._judged(now)

    def _add(self, visit: _Visit, sign: int) -> None:
        self._stalled_s += sign * visit.stalled_s
        self._answered += sign * visit.answered
        self._lost += sign * visit.lost

    def _judged(self, now: float) -> str:
        """Empty while all is well, and until the window has seen enough."""
        span_s = now - self._visits[0].at
        if len(self._visits) < _LEAST_VISITS or span_s < WINDOW_S / 2:
            return ""
        stalled, decided = self._stalled_s / span_s, self._answered + self._lost
        if stalled < _NOTABLE_STALL or self._lost <= _NOTABLE_LOSS * decided:
            return ""
        return (
            f"The models drive each other out of memory: {stalled:.0%} of the last {span_s:.0f} s went into loading "
            f"weights again, and {self._lost / decided:.0%} of the frames were lost. Raise the memory budget, "
            "merge the models, or lower the frame rates."
        )
