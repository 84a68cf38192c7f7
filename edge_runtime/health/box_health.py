"""The health of one running box: figures of its hardware every few seconds, and whether its threads make progress."""

import asyncio
import itertools
import logging
import threading
import time
from collections.abc import Callable

from edge_runtime.health.hardware_watch import HardwareWatch
from edge_runtime.health.heap import give_back
from edge_runtime.health.host import HostReader
from edge_runtime.health.log_tail import LogTail
from edge_runtime.health.systemd import READY, STOPPING, Notifier
from edge_runtime.health.watchdog import Part, Watchdog
from edge_runtime.protocol.messages import HostSample, LogLine

log = logging.getLogger(__name__)

READ_EVERY_S = 5.0
HEAP_EVERY = 12  # readings
# Preparing a large model over a slow link is one piece of work and may take minutes.
EXECUTOR_LIMIT_S = 300.0
LOOP_LIMIT_S = 60.0
CAMERAS_LIMIT_S = 180.0


class LoopPulse:
    """How long the event loop has owed an answer. `stuck_s` asks it again once it has answered."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asked_at: float | None = None

    def follow(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def stuck_s(self) -> float:
        if self._loop is None:
            return 0.0
        if self._asked_at is not None:
            return self._clock() - self._asked_at
        self._asked_at = self._clock()
        try:
            self._loop.call_soon_threadsafe(self._answer)
        except RuntimeError:  # closed: the process is about to end
            self._asked_at = None
        return 0.0

    def _answer(self) -> None:
        self._asked_at = None


class BoxHealth:
    """`executor_stuck_s`, `cameras_stuck_s`: for how long they have made no progress."""

    def __init__(
        self,
        reader: HostReader,
        notifier: Notifier,
        *,
        executor_stuck_s: Callable[[], float],
        cameras_stuck_s: Callable[[], float],
    ) -> None:
        self._reader, self._notifier = reader, notifier
        self._hardware = HardwareWatch()
        self._log_tail = LogTail()
        logging.getLogger().addHandler(self._log_tail)
        self._newest: HostSample | None = None
        self._pulse = LoopPulse()
        parts = (
            Part("Running the models", executor_stuck_s, EXECUTOR_LIMIT_S),
            Part("The connection to the server", self._pulse.stuck_s, LOOP_LIMIT_S),
            Part("Reading all cameras", cameras_stuck_s, CAMERAS_LIMIT_S),
        )
        self._watchdog = Watchdog(parts, notifier)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._read, name="hardware", daemon=True)

    def start(self) -> None:
        """From the event loop, once the box works."""
        self._pulse.follow(asyncio.get_running_loop())
        self._thread.start()
        self._watchdog.start()
        self._notifier.send(READY)

    def stop(self) -> None:
        self._notifier.send(STOPPING)
        self._stopped.set()
        self._watchdog.stop()
        logging.getLogger().removeHandler(self._log_tail)

    def sample(self) -> HostSample | None:
        """The newest figures, once."""
        newest, self._newest = self._newest, None
        return newest

    def warnings(self) -> tuple[str, ...]:
        return (*self._watchdog.warnings, *self._hardware.warnings)

    def log_lines(self, after: int) -> tuple[LogLine, ...]:
        return self._log_tail.lines(after)

    def _read(self) -> None:
        """In a thread of its own: a disk or a driver that hangs holds up nothing else."""
        for number in itertools.count():
            if self._stopped.is_set():
                return
            if number % HEAP_EVERY == 0:
                give_back()
            try:
                host = self._reader.read()
            except Exception:  # the edge of the thread: figures are worth less than the box
                log.warning("the hardware cannot be looked at", exc_info=True)
            else:
                self._hardware.note(host)
                self._newest = host
            self._stopped.wait(READ_EVERY_S)
