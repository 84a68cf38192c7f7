"""Feeds systemd's watchdog while every part of the box makes progress, and ends the process when one is stuck.

A thread that is stuck cannot be ended, but a process can: what is on disk is whole at any moment, and whoever started
the process (systemd, the container engine) starts it again. Whatever blocks this thread too, such as an extension that
never lets go of the interpreter's lock, ends the feeding, and systemd ends the process.
"""

import faulthandler
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edge_runtime.health.systemd import ALIVE, Notifier

log = logging.getLogger(__name__)

EXIT_STUCK = 70  # EX_SOFTWARE of sysexits.h
LOOK_S = 5.0
# From here on the box says in its condition what is the matter; the rest of the time it may still come round.
WORRY_SHARE = 0.5


@dataclass(frozen=True)
class Part:
    """`stuck_s`: for how long it has made no progress, 0 while all is well; asked on the watchdog's thread."""

    name: str
    stuck_s: Callable[[], float]
    limit_s: float


class Watchdog:
    """`on_stuck` ends the process; it gets a sentence that is logged already."""

    def __init__(
        self,
        parts: Sequence[Part],
        notifier: Notifier,
        *,
        clock: Callable[[], float] = time.monotonic,
        on_stuck: Callable[[str], None] | None = None,
    ) -> None:
        self._parts, self._notifier, self._clock = tuple(parts), notifier, clock
        self._on_stuck = on_stuck or end_process
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)
        self._warnings: tuple[str, ...] = ()
        self._looked_at = clock()
        self.look_s = min(LOOK_S, (notifier.watchdog_s or LOOK_S) / 3)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What has been stuck for so long that people should know."""
        return self._warnings

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()

    def look(self) -> None:
        """Once: feeds, or says what is stuck."""
        now = self._clock()
        # A machine that slept, or was too busy to run this thread, had no chance to make progress either.
        excused_s = max(0.0, now - self._looked_at - 2 * self.look_s)
        self._looked_at = now
        stuck = [(part, max(0.0, part.stuck_s() - excused_s)) for part in self._parts]
        self._warnings = tuple(_worry(part) for part, seconds in stuck if seconds >= WORRY_SHARE * part.limit_s)
        ended = next((part for part, seconds in stuck if seconds >= part.limit_s), None)
        if ended is None:
            self._notifier.send(ALIVE)
            return
        sentence = (
            f"{ended.name} made no progress for {ended.limit_s:.0f} s. The box's software ends itself to be started "
            "again; what it runs is on disk."
        )
        log.critical(sentence)
        self._notifier.send(f"STATUS={sentence}")
        self._on_stuck(sentence)

    def _run(self) -> None:
        while not self._stopped.wait(self.look_s):
            try:
                self.look()
            except Exception:  # the edge of the thread; unfed, systemd acts
                log.exception("the watchdog failed to look")


def _worry(part: Part) -> str:
    return (
        f"{part.name} makes no progress. If that goes on, the box's software starts itself again; its log says where "
        "it hangs."
    )


def end_process(sentence: str) -> None:
    """At once and whatever hangs. Where every thread stands goes to the log first, for whoever looks for the reason."""
    faulthandler.dump_traceback(sys.__stderr__ or 2, all_threads=True)
    os._exit(EXIT_STUCK)
