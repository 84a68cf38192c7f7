"""The newest lines of the box's log, for whoever looks at the box from afar."""

import logging
import threading
from collections import deque

from edge_runtime.health.logs import redacted
from edge_runtime.protocol.messages import LogLine

LINES_KEPT = 200
TEXT_MAX = 1000


class LogTail(logging.Handler):
    """Filled by any thread, read by any other."""

    def __init__(self, kept: int = LINES_KEPT) -> None:
        super().__init__()
        self._lines: deque[LogLine] = deque(maxlen=kept)
        self._number = 0
        self._adding = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = record.getMessage()
        except (TypeError, ValueError):  # a wrong format must not disturb what goes on
            self.handleError(record)
            return
        if record.exc_info and record.exc_info[1] is not None:
            text += f" ({type(record.exc_info[1]).__name__}: {record.exc_info[1]})"
        with self._adding:
            self._number += 1
            self._lines.append(
                LogLine(self._number, record.created, record.levelname.lower(), redacted(text)[:TEXT_MAX])
            )

    def lines(self, after: int) -> tuple[LogLine, ...]:
        """Those that are kept with a number above `after`, oldest first."""
        with self._adding:
            return tuple(line for line in self._lines if line.number > after)
