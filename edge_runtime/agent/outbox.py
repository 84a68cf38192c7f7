"""What the box still has to tell the server: statistics until acknowledged, the newest report, a few previews, its log.

Sans I/O: `link` moves the messages, and `spooling` carries statistics to the disk and back. They have one order, by
number: those on disk, then those in memory. While connected, the oldest unacknowledged stand ready, sent or about to
be; the server has them within a second, so in good times nothing is written to the disk.
"""

import asyncio
from collections import deque

import msgspec

from edge_runtime.agent.stats_spool import DiskDone, DiskWork, Numbered
from edge_runtime.protocol.messages import Ack, LogLines, Report, Stats

# Where the disk cannot take them.
MEMORY_KEPT = 3600
# Sent but not acknowledged at a time, so that a day of backlog never floods a server that just came back.
WINDOW = 128
PREVIEWS_KEPT = 4


class Outbox:
    """Single-threaded: used on the event loop only. `disk_wanted` is set when there is something to load at once."""

    def __init__(self, *, memory_kept: int = MEMORY_KEPT) -> None:
        self._memory_kept = memory_kept
        self._ready: deque[Numbered] = deque()  # only while connected
        self._sent = 0  # of _ready, counted from the left
        self._newest: deque[Numbered] = deque()  # not on disk, after all others
        # Numbers: the last one given, and up to where samples are acknowledged, gone from the disk, ready, on the disk.
        self._last = self._acknowledged_to = self._removed_to = self._ready_to = self._disk_to = 0
        self._seen_to = 0  # the last one given when the disk was last thought of
        self._report: Report | None = None
        self._is_report_due = False
        self._previews: deque[bytes] = deque(maxlen=PREVIEWS_KEPT)
        self._log: list[LogLines] = []
        self.is_connected = False
        self.dropped = 0
        self.disk_wanted = asyncio.Event()

    @property
    def in_memory(self) -> int:
        """Statistics held here that the server has not acknowledged."""
        return len(self._ready) + len(self._newest)

    def add_stats(self, stats: Stats) -> None:
        self._last += 1
        self._newest.append(Numbered(self._last, stats))
        self._fill()
        while len(self._newest) > self._memory_kept:
            self._newest.popleft()
            self.dropped += 1

    def take_dropped(self) -> int:
        """How many were dropped here since the last time this was asked."""
        dropped, self.dropped = self.dropped, 0
        return dropped

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

    def add_log(self, lines: LogLines) -> None:
        """Kept only while connected: whoever asked for it asks again."""
        if self.is_connected:
            self._log.append(lines)

    def connected(self) -> None:
        """A new connection knows nothing: the report and all unacknowledged statistics go out again."""
        self.is_connected = True
        self._sent = 0
        self._is_report_due = self._report is not None
        self._fill()

    def disconnected(self) -> None:
        self.is_connected = False
        self._previews.clear()
        self._log.clear()
        self._step_back()

    def acknowledge(self, ack: Ack) -> None:
        """Forget the statistics of that boot up to that number. An acknowledgement of another boot means nothing."""
        while self._ready and self._sent and _is_acknowledged(self._ready[0].stats, ack):
            self._acknowledged_to = self._ready.popleft().number
            self._sent -= 1
        self._fill()

    def take(self) -> list[str | bytes]:
        """Messages to send now, in order; text for JSON, bytes for previews."""
        messages: list[str | bytes] = []
        if self._is_report_due:
            messages.append(_text(self._report))
            self._is_report_due = False
        messages.extend(_text(sample.stats) for sample in list(self._ready)[self._sent :])
        self._sent = len(self._ready)
        messages.extend(map(_text, self._log))
        self._log.clear()
        messages.extend(self._previews)
        self._previews.clear()
        return messages

    def resume(self, disk_to: int) -> None:
        """The disk turns out to hold samples up to that number, of an earlier boot: what is here comes after them."""
        here = (*self._ready, *self._newest)
        self._ready.clear()
        self._newest = deque(Numbered(disk_to + place, sample.stats) for place, sample in enumerate(here, 1))
        self._last = disk_to + len(here)
        self._acknowledged_to = self._removed_to = self._ready_to = self._sent = self._seen_to = 0
        self._disk_to = disk_to
        self._fill()

    def disk_work(self, *, is_last: bool = False) -> DiskWork:
        """What the disk should do now. What has not waited here since the last time is not worth a write yet, unless
        this is the last time."""
        unkept = tuple(sample for sample in (*self._ready, *self._newest) if sample.number > self._disk_to)
        is_due = is_last or (bool(unkept) and unkept[0].number <= self._seen_to)
        self._seen_to = self._last
        has_removals = self._removed_to < min(self._acknowledged_to, self._disk_to)
        return DiskWork(
            load_after=self._ready_to,
            load_limit=WINDOW - len(self._ready) if self._has_to_load() else 0,
            remove_to=self._acknowledged_to if has_removals else 0,
            keep=unkept if is_due else (),
            protected=self._ready_to,
        )

    def disk_done(self, work: DiskWork, done: DiskDone) -> None:
        if done.is_lost:  # what is ready is in memory alone now
            self._disk_to = self._removed_to = self._acknowledged_to
        if done.loaded is not None and work.load_after == self._ready_to and self._has_to_load():
            self._ready.extend(done.loaded)
            self._ready_to = done.loaded_to or self._disk_to
        if done.is_removed:
            self._removed_to = work.remove_to
        if done.is_kept:
            self._disk_to = work.keep[-1].number
            while self._newest and self._newest[0].number <= self._disk_to:
                self._newest.popleft()
        self._fill()

    def _has_to_load(self) -> bool:
        return self.is_connected and self._ready_to < self._disk_to

    def _fill(self) -> None:
        """From memory, where nothing older is on the disk."""
        if self._has_to_load():
            if len(self._ready) <= WINDOW // 2:
                self.disk_wanted.set()
            return
        while self.is_connected and self._newest and len(self._ready) < WINDOW:
            self._ready.append(self._newest.popleft())
            self._ready_to = self._ready[-1].number

    def _step_back(self) -> None:
        """Nothing is ready any more: what is on disk is read again, the rest is in front of the newest."""
        self._newest.extendleft(sample for sample in reversed(self._ready) if sample.number > self._disk_to)
        self._ready.clear()
        self._sent = 0
        self._ready_to = self._acknowledged_to


def _is_acknowledged(stats: Stats, ack: Ack) -> bool:
    return stats.boot_id == ack.boot_id and stats.seq <= ack.seq


def _text(message: Report | Stats | LogLines | None) -> str:
    return msgspec.json.encode(message).decode()
