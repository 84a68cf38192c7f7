"""Events on disk until the server has them: bounded in number and bytes, the oldest dropped and counted.

One SQLite file, so that a power cut leaves every event whole or absent. Used from several threads. On a full disk new
events are dropped and counted, those that are there are still sent, and all goes on when there is room.
"""

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edge_runtime.protocol.messages import EventReport
from edge_runtime.protocol.target import Privacy

log = logging.getLogger(__name__)

# A day of a server that is away, at 7 events a minute.
EVENTS_KEPT = 10_000
BYTES_KEPT = 256 * 2**20
_TABLE = """CREATE TABLE IF NOT EXISTS events
    (number INTEGER PRIMARY KEY AUTOINCREMENT, event BLOB NOT NULL, picture BLOB, privacy TEXT NOT NULL)"""


@dataclass(frozen=True)
class Spooled:
    """`privacy`: under which the picture was made."""

    number: int
    event: EventReport
    picture: bytes | None
    privacy: Privacy


class EventSpool:
    """Where the disk fails, events are dropped and counted; nothing here raises.

    `on_added` is called on the thread that added one.
    """

    def __init__(self, path: Path, *, events_kept: int = EVENTS_KEPT, bytes_kept: int = BYTES_KEPT) -> None:
        self._path, self._events_kept, self._bytes_kept = path, events_kept, bytes_kept
        self._lock = threading.Lock()
        self._database: sqlite3.Connection | None = None
        self._bytes = 0
        self._problem, self._dropped_before = "", 0
        self._let_go = 0  # no event up to this number is wanted any more, but a full disk does not let it be deleted
        self.waiting, self.dropped = 0, 0
        self.on_added: Callable[[], None] = lambda: None
        with self._lock:
            self._attempt(lambda database: None)

    def add(self, event: EventReport, picture: bytes | None, privacy: Privacy) -> None:
        content = msgspec.json.encode(event)
        size = len(content) + len(picture or b"")

        def insert(database: sqlite3.Connection) -> None:
            self._delete_let_go(database)
            self._make_room(database, size)
            row = (content, picture, privacy.value)
            database.execute("INSERT INTO events (event, picture, privacy) VALUES (?, ?, ?)", row)
            self.waiting += 1
            self._bytes += size

        with self._lock:
            dropped = self.dropped
            if self._attempt(insert):
                self._recovered()
            else:
                self.dropped = dropped + 1  # those that had to make room are still there
        self.on_added()

    def oldest(self) -> Spooled | None:
        found: list[Spooled] = []

        def read(database: sqlite3.Connection) -> None:
            wanted = "SELECT number, event, picture, privacy FROM events WHERE number > ? ORDER BY number LIMIT 1"
            for number, content, picture, privacy in database.execute(wanted, (self._let_go,)):
                event = msgspec.json.decode(content, type=EventReport)
                found.append(Spooled(number, event, picture, Privacy(privacy)))

        with self._lock:
            self._attempt(read)
        return found[0] if found else None

    def remove(self, number: int) -> None:
        """The oldest, by its number. One that was dropped meanwhile is gone already."""

        def delete(database: sqlite3.Connection) -> None:
            self._delete_let_go(database)
            self._delete(database, "number = ?", number)

        with self._lock:
            if self._attempt(delete):
                self._recovered()
                return
            self._let_go = number
            if self._attempt(self._count) and not self.waiting:
                self._start_afresh()

    def close(self) -> None:
        with self._lock:
            self._close()

    def _delete_let_go(self, database: sqlite3.Connection) -> None:
        if self._let_go:
            database.execute("DELETE FROM events WHERE number <= ?", (self._let_go,))
            self._count(database)

    def _make_room(self, database: sqlite3.Connection, size: int) -> None:
        while self.waiting and (self.waiting >= self._events_kept or self._bytes + size > self._bytes_kept):
            before = self.waiting
            self._delete(database, "number = (SELECT MIN(number) FROM events)")
            if self.waiting == before:
                self._count(database)
                return
            self.dropped += 1

    def _delete(self, database: sqlite3.Connection, where: str, *values: int) -> None:
        size = "length(event) + coalesce(length(picture), 0)"
        rows = database.execute(f"DELETE FROM events WHERE {where} RETURNING {size}", values).fetchall()
        self.waiting -= len(rows)
        self._bytes -= sum(row[0] for row in rows)

    def _count(self, database: sqlite3.Connection) -> None:
        sums = "coalesce(sum(number > ?), 0), coalesce(sum(length(event) + coalesce(length(picture), 0)), 0)"
        self.waiting, self._bytes = database.execute(f"SELECT {sums} FROM events", (self._let_go,)).fetchone()

    def _attempt(self, job: Callable[[sqlite3.Connection], None]) -> bool:
        """Under the lock. A file that cannot be read as it should is put aside, and spooling starts afresh."""
        try:
            database = self._open()
            with database:
                job(database)
        except (sqlite3.DatabaseError, OSError, ValueError, msgspec.DecodeError) as error:
            self._failed(error)
            return False
        return True

    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            self._path.touch(mode=0o600)
            self._database = sqlite3.connect(self._path, check_same_thread=False, timeout=1.0)
            # A power cut may cost the last events, never the file.
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._database.execute(_TABLE)
            self._count(self._database)
        return self._database

    def _failed(self, error: Exception) -> None:
        if not self._problem:
            self._dropped_before = self.dropped
        if self._problem != str(error):
            log.warning("Events cannot be kept on disk (%s); those that cannot are lost. Models run on.", error)
        self._problem = str(error)
        # Opened again on a full disk it might not even be readable.
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL and self._database:
            with contextlib.suppress(sqlite3.Error):
                self._database.rollback()
                self._count(self._database)
                return
        self._close()
        # A full or busy disk passes (OperationalError); a damaged file does not.
        if not isinstance(error, sqlite3.OperationalError | OSError):
            with contextlib.suppress(OSError):
                self._path.replace(self._path.with_name(self._path.name + ".damaged"))
                self._unlink("-wal", "-shm")

    def _recovered(self) -> None:
        self._let_go = 0
        if self._problem:
            self._problem = ""
            log.warning("Events are kept on disk again; %d were lost", self.dropped - self._dropped_before)

    def _start_afresh(self) -> None:
        """On a full disk, where nobody wants anything of the file any more: without it there is room again."""
        self._close()
        self._let_go = 0
        with contextlib.suppress(OSError):
            self._unlink("", "-wal", "-shm")

    def _unlink(self, *suffixes: str) -> None:
        for suffix in suffixes:
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)

    def _close(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            if self._database:
                self._database.close()
        self._database = None
        self.waiting, self._bytes = 0, 0
