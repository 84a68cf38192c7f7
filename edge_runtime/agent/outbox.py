"""What the box still has to tell the server: statistics until acknowledged, the newest report, a few previews.

Sans I/O: `link` moves the messages. Statistics are bounded: the oldest are dropped and counted, and the server sees the
gap in their numbers.
"""

from collections import deque

import msgspec

from edge_runtime.protocol.messages import Ack, Report, Stats

STATS_KEPT = 3600
# Sent but not acknowledged at a time, so that a day of backlog never floods a server that just came back.
WINDOW = 64
PREVIEWS_KEPT = 4


class Outbox:
    """Single-threaded: used on the event loop only."""

    def __init__(self, *, stats_kept: int = STATS_KEPT) -> None:
        self._stats: deque[Stats] = deque()
        self._stats_kept = stats_kept
        self._sent = 0  # of _stats, counted from the left
        self._report: Report | None = None
        self._is_report_due = False
        self._previews: deque[bytes] = deque(maxlen=PREVIEWS_KEPT)
        self.is_connected = False
        self.dropped = 0

    @property
    def waiting(self) -> int:
        """Statistics that the server has not acknowledged."""
        return len(self._stats)

    def add_stats(self, stats: Stats) -> None:
        self._stats.append(stats)
        if len(self._stats) > self._stats_kept:
            self._stats.popleft()
            self._sent = max(0, self._sent - 1)
            self.dropped += 1

    def set_report(self, report: Report) -> bool:
        """True when it differs from the one before: only changes are sent."""
        if report == self._report:
            return False
        self._report, self._is_report_due = report, True
        return True

    def add_preview(self, message: bytes) -> None:
        """Kept only while connected: an old picture helps nobody."""
        if self.is_connected:
            self._previews.append(message)

    def connected(self) -> None:
        """A new connection knows nothing: the report and all unacknowledged statistics go out again."""
        self.is_connected = True
        self._sent = 0
        self._is_report_due = self._report is not None

    def disconnected(self) -> None:
        self.is_connected = False
        self._previews.clear()

    def acknowledge(self, ack: Ack) -> None:
        """Forget the statistics of that boot up to that number. An acknowledgement of another boot means nothing."""
        while self._stats and self._stats[0].boot_id == ack.boot_id and self._stats[0].seq <= ack.seq:
            self._stats.popleft()
            self._sent = max(0, self._sent - 1)

    def take(self) -> list[str | bytes]:
        """Messages to send now, in order; text for JSON, bytes for previews."""
        messages: list[str | bytes] = []
        if self._is_report_due:
            messages.append(_text(self._report))
            self._is_report_due = False
        while self._sent < min(len(self._stats), WINDOW):
            messages.append(_text(self._stats[self._sent]))
            self._sent += 1
        messages.extend(self._previews)
        self._previews.clear()
        return messages


def _text(message: Report | Stats | None) -> str:
    return msgspec.json.encode(message).decode()
