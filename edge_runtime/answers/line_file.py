"""Lines of JSON on their way to a file or to stdout, written by a thread of their own: a full disk or a reader that
stands still costs lines, which are counted, and nothing else.
"""

import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Protocol

from edge_runtime.protocol.errors import GemelError

log = logging.getLogger(__name__)

WAITING = 4096
_AFTER_FAILURE_S = 5.0


class ResultsFileError(GemelError):
    code = "results_file"


class Sink(Protocol):
    """Raises OSError."""

    def write(self, lines: bytes) -> None: ...


class RotatedFile:
    """`path` and one older file beside it (`path`.1) hold at most `limit_bytes` together; what is older is gone."""

    def __init__(self, path: Path, limit_bytes: int) -> None:
        """Raises ResultsFileError where it cannot be written."""
        self._path, self._each_bytes = path, max(1, limit_bytes // 2)
        self._file: BinaryIO | None = None
        self._size_bytes = 0
        try:
            self._open()
        except OSError as error:
            raise ResultsFileError(
                f"{path} cannot be written ({error.strerror}). Choose another file with --results."
            ) from error

    def write(self, lines: bytes) -> None:
        if self._size_bytes + len(lines) > self._each_bytes and self._size_bytes > 0:
            self._rotate()
        file = self._file or self._open()
        try:
            file.write(lines)
            file.flush()
        except OSError:
            # Part of a line may be there: opening again ends it.
            self._file = None
            _close(file)
            raise
        self._size_bytes += len(lines)

    def _rotate(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            _close(file)
        self._path.replace(self._path.with_name(self._path.name + ".1"))
        self._open()

    def _open(self) -> BinaryIO:
        file = self._path.open("a+b")
        self._size_bytes = file.seek(0, 2)
        if self._size_bytes:
            file.seek(-1, 2)
            if file.read(1) != b"\n":
                file.write(b"\n")
                file.flush()
                self._size_bytes += 1
        self._file = file
        return file


class StandardOutput:
    def write(self, lines: bytes) -> None:
        sys.stdout.buffer.write(lines)
        sys.stdout.buffer.flush()


def sink_for(results: str, limit_bytes: int) -> Sink:
    """`results`: a file's path, or "-" for stdout. Raises ResultsFileError."""
    return StandardOutput() if results == "-" else RotatedFile(Path(results), limit_bytes)


class LineWriter:
    """`put` is an AnswerDesk's listener. `pause(seconds)` waits, and is True when it is time to end."""

    def __init__(self, sink: Sink, clock: Callable[[], float] = time.monotonic) -> None:
        self._sink, self._clock = sink, clock
        self._condition = threading.Condition()
        self._lines: deque[bytes] = deque()
        self._failed_at = float("-inf")
        self._is_stopping = False
        self._thread: threading.Thread | None = None
        self.dropped = 0

    def start(self) -> None:
        self._thread = threading.Thread(target=self._loop, name="results", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """What waits is written, unless that hangs."""
        with self._condition:
            self._is_stopping = True
            self._condition.notify()
        if self._thread:
            self._thread.join(1.0)

    def put(self, query: str, line: bytes) -> None:
        del query
        with self._condition:
            if len(self._lines) >= WAITING:
                self._lines.popleft()
                self.dropped += 1
            self._lines.append(line)
            self._condition.notify()

    def work(self) -> None:
        """Writes what waits. The thread's loop, or a test's."""
        with self._condition:
            lines = list(self._lines)
            self._lines.clear()
        if not lines:
            return
        if self._clock() - self._failed_at < _AFTER_FAILURE_S:
            self.dropped += len(lines)
            return
        try:
            self._sink.write(b"\n".join(lines) + b"\n")
        except (OSError, ValueError) as error:  # ValueError: a stdout that was closed
            if self._failed_at == float("-inf"):
                log.warning("Results cannot be written (%s); lines are lost until they can. Models run on.", error)
            self._failed_at = self._clock()
            self.dropped += len(lines)
        else:
            if self._failed_at != float("-inf"):
                log.info("Results are written again; %d lines are missing", self.dropped)
            self._failed_at = float("-inf")

    def _loop(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._lines or self._is_stopping)
                is_last = self._is_stopping
            self.work()
            if is_last:
                return


def _close(file: BinaryIO) -> None:
    try:
        file.close()
    except OSError:
        log.debug("a file of results could not be closed", exc_info=True)
