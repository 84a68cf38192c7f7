"""Statistics on disk until the server has them: bounded in bytes and in measured time, the oldest dropped and counted.

One SQLite file. What it is asked to do comes from `outbox`, who also holds what is not on disk yet; a power cut leaves
every sample whole or absent. How long a sample has been kept is counted in the seconds that samples measured, never by
the clock, which a box without a battery gets wrong by days.
"""

import contextlib
import logging
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from edge_runtime.protocol.messages import Stats

log = logging.getLogger(__name__)

# A day without a server and half of the next one, of a box with some thirty queries.
BYTES_KEPT = 512 * 2**20
SECONDS_KEPT = 36 * 3600.0
# A file that cannot be read as often as that in a row is taken for damaged.
_READS_TRIED = 3
_DAMAGE_TOLD_S = 3600.0
_SHRUNK_ABOVE = 2**20
# A full or busy disk passes, and the open file can still be read.
_PASSING = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_SUMS = "count(*), coalesce(sum(length(content)), 0), coalesce(sum(seconds), 0)"
_TABLES = """
CREATE TABLE IF NOT EXISTS samples (number INTEGER PRIMARY KEY, seconds REAL NOT NULL, content BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS counts (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""


@dataclass(frozen=True)
class SpoolLimits:
    """`size_bytes` of compressed samples (the file is a tenth larger), `seconds` that they measured."""

    size_bytes: int = BYTES_KEPT
    seconds: float = SECONDS_KEPT


@dataclass(frozen=True)
class Numbered:
    """`number` says the order on this box, over restarts."""

    number: int
    stats: Stats


@dataclass(frozen=True)
class DiskWork:
    """In this order: load up to `load_limit` samples after `load_after`, forget those up to `remove_to`, keep more.

    Of what must be dropped to keep more, samples up to `protected` are left alone: they are on their way.
    """

    load_after: int = 0
    load_limit: int = 0
    remove_to: int = 0
    keep: tuple[Numbered, ...] = ()
    protected: int = 0


@dataclass
class DiskDone:
    """`loaded`: None where nothing was asked for or nothing could be read; `loaded_to`: the last number looked at, 0
    where there were no more. `is_lost`: the file was damaged and is gone with all it held; nothing else was done."""

    loaded: tuple[Numbered, ...] | None = None
    loaded_to: int = 0
    is_removed: bool = False
    is_kept: bool = False
    is_lost: bool = False


@dataclass
class _Held:
    samples: int = 0
    size_bytes: int = 0
    seconds: float = 0.0

    def add(self, size_bytes: int, seconds: float, samples: int = 1) -> None:
        self.samples += samples
        self.size_bytes += size_bytes
        self.seconds += seconds


class StatsSpool:
    """Nothing here raises for what a disk does: it is told in `warnings`, and tried again with the next work.

    `dropped`: samples that this box has lost since it has this file, those that `note_dropped` tells of included.
    """

    def __init__(
        self,
        path: Path,
        limits: SpoolLimits = SpoolLimits(),
        *,
        connect: Callable[..., sqlite3.Connection] = sqlite3.connect,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path, self._limits, self._connect, self._clock = path, limits, connect, clock
        self._lock = threading.Lock()
        self._database: sqlite3.Connection | None = None
        self._held = _Held()
        self._was_open = False
        self._problem = self._damage = ""
        self._damaged_at = 0.0
        self._losses = self._reads_failed = 0  # files put aside; reads that failed in a row
        self.dropped = 0

    @property
    def waiting(self) -> int:
        """Samples on disk."""
        return self._held.samples

    def warnings(self) -> tuple[str, ...]:
        damage = self._damage if self._clock() - self._damaged_at < _DAMAGE_TOLD_S else ""
        return tuple(filter(None, (self._problem, damage)))

    def note_dropped(self, samples: int) -> None:
        """Samples that never came to the disk."""
        self.dropped += samples

    def open(self) -> int | None:
        """The number of the newest sample on disk, 0 for none; None where the disk cannot be used now."""
        with self._lock:
            for _ in range(2):  # a damaged file is put aside, and a new one made
                if self._attempt(lambda database: None):
                    assert self._database is not None
                    newest: int = self._database.execute("SELECT coalesce(max(number), 0) FROM samples").fetchone()[0]
                    return newest
            return None

    def carry_out(self, work: DiskWork) -> DiskDone:
        """From a thread where others must not wait for a disk."""
        done = DiskDone()
        with self._lock:
            losses = self._losses
            if work.load_limit:
                self._attempt(lambda database: self._load(database, work, done), is_reading=True)
            if work.remove_to and self._losses == losses:
                removed = ("number <= ?", (work.remove_to,))
                done.is_removed = self._attempt(lambda database: self._delete(database, *removed))
                self._shrink()
            if work.keep and self._losses == losses:
                done.is_kept = self._attempt(lambda database: self._keep(database, work.keep, work.protected))
            return done if self._losses == losses else DiskDone(is_lost=True)

    def close(self) -> None:
        with self._lock:
            self._close()

    def _load(self, database: sqlite3.Connection, work: DiskWork, done: DiskDone) -> None:
        query = "SELECT number, content FROM samples WHERE number > ? ORDER BY number LIMIT ?"
        rows = database.execute(query, (work.load_after, work.load_limit)).fetchall()
        loaded = list[Numbered]()
        for number, content in rows:
            try:
                loaded.append(Numbered(number, msgspec.json.decode(zlib.decompress(content), type=Stats)))
            except (zlib.error, msgspec.DecodeError, UnicodeDecodeError):
                self._delete(database, "number = ?", (number,))
                self.dropped += 1
                self._remember_dropped(database)
        done.loaded, done.loaded_to = tuple(loaded), rows[-1][0] if len(rows) == work.load_limit else 0

    def _keep(self, database: sqlite3.Connection, samples: Sequence[Numbered], protected: int) -> None:
        for sample in samples:
            content = zlib.compress(msgspec.json.encode(sample.stats), 1)
            row = (sample.number, sample.stats.interval_s, content)
            database.execute("INSERT OR REPLACE INTO samples (number, seconds, content) VALUES (?, ?, ?)", row)
            self._held.add(len(content), sample.stats.interval_s)
        self._make_room(database, protected)
        self._remember_dropped(database)

    def _remember_dropped(self, database: sqlite3.Connection) -> None:
        database.execute("INSERT OR REPLACE INTO counts (name, value) VALUES ('dropped', ?)", (self.dropped,))

    def _make_room(self, database: sqlite3.Connection, protected: int) -> None:
        size_bytes = self._held.size_bytes - self._limits.size_bytes
        seconds = self._held.seconds - self._limits.seconds
        if size_bytes <= 0 and seconds <= 0:
            return
        to = protected
        rows = database.execute(
            "SELECT number, length(content), seconds FROM samples WHERE number > ? ORDER BY number", (protected,)
        )
        for number, size, measured in rows:
            to = number
            size_bytes -= size
            seconds -= measured
            if size_bytes <= 0 and seconds <= 0:
                break
        before = self._held.samples
        self._delete(database, "number > ? AND number <= ?", (protected, to))
        self.dropped += before - self._held.samples

    def _delete(self, database: sqlite3.Connection, where: str, values: tuple[int, ...]) -> None:
        samples, size_bytes, seconds = database.execute(f"SELECT {_SUMS} FROM samples WHERE {where}", values).fetchone()
        database.execute(f"DELETE FROM samples WHERE {where}", values)
        self._held.add(-size_bytes, -seconds, -samples)

    def _shrink(self) -> None:
        """After a long absence of the server the file is large and empty."""
        if self._held.samples or self._database is None:
            return
        with contextlib.suppress(sqlite3.Error):
            pages, page_bytes = (
                self._database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size")
            )
            if pages * page_bytes > _SHRUNK_ABOVE:
                self._database.execute("VACUUM")
                self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _attempt(self, job: Callable[[sqlite3.Connection], None], *, is_reading: bool = False) -> bool:
        """Under the lock, in one transaction."""
        try:
            database = self._open()
            held, dropped = replace(self._held), self.dropped
            try:
                with database:
                    job(database)
            except sqlite3.Error:
                self._held, self.dropped = held, dropped
                raise
        except (sqlite3.Error, OSError) as error:
            self._failed(error, is_reading)
            return False
        self._reads_failed = 0
        if not is_reading:
            self._problem = ""
        return True

    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            self._path.touch(mode=0o600)
            database = self._connect(self._path, check_same_thread=False, timeout=1.0)
            try:
                database.execute("PRAGMA journal_mode = WAL")
                # What was kept stays kept when the power goes: one flush to the disk every few seconds, while offline.
                database.execute("PRAGMA synchronous = FULL")
                database.executescript(_TABLES)
                held = _Held(*database.execute(f"SELECT {_SUMS} FROM samples").fetchone())
                known = database.execute("SELECT value FROM counts WHERE name = 'dropped'").fetchone()
            except sqlite3.Error:
                database.close()
                raise
            if not self._was_open:
                self.dropped += known[0] if known else 0
            self.dropped += max(0, self._held.samples - held.samples)  # another disk than before
            self._held, self._database, self._was_open = held, database, True
        return self._database

    def _failed(self, error: Exception, is_reading: bool) -> None:
        problem = (
            f"The box cannot keep statistics on its disk ({error}). It keeps those of the last hour in memory and "
            f"tries again; make room at {self._path.parent}, or check the disk."
        )
        if problem != self._problem:
            log.warning(problem)
        self._problem = problem
        self._reads_failed += is_reading
        # A full or busy disk passes; a file that is no database does not.
        if not isinstance(error, sqlite3.OperationalError | OSError) or self._reads_failed >= _READS_TRIED:
            self._put_aside()
        elif getattr(error, "sqlite_errorcode", 0) & 0xFF not in _PASSING:
            self._close()  # a disk that went away and came back needs the file opened anew

    def _close(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            if self._database:
                self._database.close()
        self._database = None

    def _put_aside(self) -> None:
        aside = self._path.with_name(self._path.name + ".damaged")
        self._close()
        with contextlib.suppress(OSError):
            self._path.replace(aside)
            for suffix in ("-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        lost, self._held = self._held.samples, _Held()
        self.dropped += lost
        self._reads_failed, self._problem = 0, ""
        self._losses += 1
        self._damaged_at = self._clock()
        self._damage = (
            f"The file in which the box keeps unsent statistics was damaged: {lost or 'those'} in it are lost. "
            f"It was put aside as {aside.name}, and a new one is in use."
        )
        log.warning(self._damage)
