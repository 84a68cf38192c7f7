"""Notices a reload loop: models that drive each other out of memory, so that frames are lost to copying. Pure."""

from collections import deque

WINDOW_S = 30.0
_LEAST_VISITS = 10
_NOTABLE_STALL = 0.4  # of the time; below it a box that swaps still does its work
_NOTABLE_LOSS = 0.1  # of the frames; a box that loses none may swap as it likes


class ReloadWatch:
    """Fed by one thread; `sentence` may be read by others."""

    def __init__(self) -> None:
        self._visits: deque[tuple[float, float, int, int]] = deque()
        self.sentence = ""

    def note(self, now: float, stalled_s: float, answered: int, lost: int) -> None:
        """One visit: how long it waited for copies, and frames answered and lost since the visit before."""
        self._visits.append((now, stalled_s, answered, lost))
        while self._visits[0][0] < now - WINDOW_S:
            self._visits.popleft()
        self.sentence = self._judged(now)

    def _judged(self, now: float) -> str:
        """Empty while all is well, and until the window has seen enough."""
        span_s = now - self._visits[0][0]
        if len(self._visits) < _LEAST_VISITS or span_s < WINDOW_S / 2:
            return ""
        stalled = sum(visit[1] for visit in self._visits) / span_s
        answered, lost = (sum(visit[column] for visit in self._visits) for column in (2, 3))
        if stalled < _NOTABLE_STALL or lost < _NOTABLE_LOSS * (answered + lost):
            return ""
        return (
            f"The models drive each other out of memory: {stalled:.0%} of the last {span_s:.0f} s went into loading "
            f"weights again, and {lost / (answered + lost):.0%} of the frames were lost. Raise the memory budget, "
            "merge the models, or lower the frame rates."
        )
