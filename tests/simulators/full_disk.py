"""A disk that is full for SQLite whenever a test says so, without a byte of the real one."""

import sqlite3


class FullDisk:
    """`connect` stands for sqlite3.connect. While `is_full` every change fails, at once or when it is committed."""

    def __init__(self, *, at_commit: bool) -> None:
        self.is_full = False
        disk = self

        class Connection(sqlite3.Connection):
            def execute(self, statement, *arguments):
                if disk.is_full and not at_commit and statement.startswith(("INSERT", "DELETE")):
                    raise _full()
                return super().execute(statement, *arguments)

            def __exit__(self, *error):
                if disk.is_full and self.in_transaction:
                    self.rollback()
                    raise _full()
                return super().__exit__(*error)

        self._connection = Connection

    def connect(self, *arguments, **options):
        return self._connection(*arguments, **options)


def _full() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    return error
