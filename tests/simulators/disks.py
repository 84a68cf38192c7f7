"""Disks that do what disks do: fill up, fail, come back. For SQLite, by way of a spool's `connect`."""

import sqlite3


class Disk:
    """`connect` is sqlite3's but for what `trouble` says: None, "full", "unreadable" or "gone"."""

    def __init__(self):
        self.trouble = None
        self.commits = 0

    def connect(self, path, **options):
        if self.trouble in ("full", "gone"):
            raise _error("unable to open database file", sqlite3.SQLITE_CANTOPEN)
        return sqlite3.connect(path, factory=self._connection(), **options)

    def _connection(disk):
        class Connection(sqlite3.Connection):
            def execute(self, sql, *values):
                is_writing = not sql.lstrip().upper().startswith(("SELECT", "PRAGMA"))
                if disk.trouble == "full" and is_writing:
                    raise _error("database or disk is full", sqlite3.SQLITE_FULL)
                if disk.trouble == "gone" or (disk.trouble == "unreadable" and not is_writing):
                    raise _error("disk I/O error", sqlite3.SQLITE_IOERR)
                return super().execute(sql, *values)

            def __exit__(self, *error):
                disk.commits += self.in_transaction
                return super().__exit__(*error)

        return Connection


def _error(text, code):
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code
    return error
