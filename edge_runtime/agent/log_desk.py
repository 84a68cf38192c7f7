"""Lines of the log for pages that show them: all that are kept to whoever begins to look, then what is new."""

from collections.abc import Callable, Sequence

from edge_runtime.protocol.messages import LogLine, LogLines, LogWanted


class LogDesk:
    """`lines(after)`: what is kept of the log with a number above `after`, oldest first."""

    def __init__(self, boot_id: str, lines: Callable[[int], Sequence[LogLine]]) -> None:
        self._boot_id, self._lines = boot_id, lines
        self._told_to = 0

    def answer(self, wanted: LogWanted) -> LogLines | None:
        """None where there is nothing new."""
        lines = tuple(self._lines(0 if wanted.is_whole else self._told_to))
        if not lines:
            return None
        self._told_to = lines[-1].number
        return LogLines(self._boot_id, lines)
