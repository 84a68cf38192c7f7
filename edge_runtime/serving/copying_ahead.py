"""A thread that carries out one job after the other beside the executor's, until the rest is called off.

Used for copying layers while another model runs. One job is at hand at a time; it is never broken off.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

import torch

log = logging.getLogger(__name__)
Job = TypeVar("Job")


class CopyingAhead(Generic[Job]):
    """`begin(job)` runs under the lock, so that after `call_off` nothing begins any more; `carry_out(job)` beside it.

    A job that fails calls off the rest: whoever needs its result has to ask again, and is told why.
    """

    def __init__(self, begin: Callable[[Job], None], carry_out: Callable[[Job], None]) -> None:
        self._begin, self._carry_out = begin, carry_out
        self._changed = threading.Condition()
        self._jobs: deque[Job] = deque()
        self._is_at_hand = False
        self._thread: threading.Thread | None = None

    def plan(self, jobs: Iterable[Job]) -> None:
        """In place of what was planned before."""
        with self._changed:
            self._jobs = deque(jobs)
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name="copying ahead", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def call_off(self) -> None:
        with self._changed:
            self._jobs.clear()

    def wait(self) -> bool:
        """Until the job at hand is done, and whether there was one. Call off the others first."""
        with self._changed:
            was_at_hand = self._is_at_hand
            self._changed.wait_for(lambda: not self._is_at_hand)
            return was_at_hand

    def _loop(self) -> None:
        torch.set_num_threads(1)  # counts for this thread: the cores belong to the model that runs
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._jobs)
                job = self._jobs.popleft()
                self._begin(job)
                self._is_at_hand = True
            try:
                self._carry_out(job)
            except Exception:
                log.warning("layers could not be copied ahead", exc_info=True)
                self.call_off()
            with self._changed:
                self._is_at_hand = False
                self._changed.notify_all()
