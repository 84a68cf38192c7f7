"""All rows of the database out to a backup, from one snapshot, and back in, all or nothing.

By COPY over the connection that there is, not by pg_dump: that has to be as new as the server, and neither the web
container nor a machine with the demo's embedded server has one. The schema is not copied: migrations make it, exactly
those that the backup's installation had, so that an older backup can be restored and brought up to date.
"""

import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from psycopg2 import sql

from webapp.backups.archive import DATABASE, BackupError, Contents, Table

_NOT_KEPT = ("django_migrations", "django_session")  # made by `migrate`; who was signed in signs in again
_MADE_BY_MIGRATE = ("django_content_type", "auth_permission")
_LOCK_TIMEOUT_S = 15


@contextmanager
def snapshot() -> Iterator[Any]:
    """A cursor that sees the database as it is now, whatever others write meanwhile."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield cursor


def tables_write(archive: zipfile.ZipFile, cursor: Any) -> dict[str, Table]:
    written = {}
    for table, columns in _tables(cursor).items():
        query = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(_names(columns), sql.Identifier(table))
        member = zipfile.ZipInfo(DATABASE + table)
        member.compress_type, member.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
        with archive.open(member, "w", force_zip64=True) as file:
            cursor.copy_expert(query, file)
        written[table] = Table(columns, cursor.rowcount)
    if not written:
        raise BackupError("There is nothing to back up: the database has no tables yet.")
    return written


def applied_migrations() -> tuple[tuple[str, str], ...]:
    return tuple(sorted(MigrationExecutor(connection).loader.applied_migrations))


def is_empty() -> bool:
    """Whether nothing is in the database but what `migrate` puts there."""
    with connection.cursor() as cursor:
        for table in _tables(cursor):
            if table not in _MADE_BY_MIGRATE:
                cursor.execute(sql.SQL("SELECT EXISTS (SELECT 1 FROM {})").format(sql.Identifier(table)))
                if cursor.fetchone()[0]:
                    return False
    return True


def require_known(contents: Contents) -> None:
    """Raises BackupError where this version of the product lacks a migration that the backup's tables come from."""
    graph = MigrationExecutor(connection).loader.graph
    unknown = [f"{app}.{name}" for app, name in contents.migrations if (app, name) not in graph.nodes]
    if unknown:
        raise BackupError(
            f"The backup was made by a newer version ({unknown[-1]} is not known here); nothing was changed. "
            "Restore it with that version or a newer one."
        )


@transaction.atomic(durable=True)
def tables_replace(archive: zipfile.ZipFile, contents: Contents) -> None:
    """The database as it was. Until the last row is in, everybody else sees what there was before."""
    with connection.cursor() as cursor:
        try:
            cursor.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT_S}s'")
            cursor.execute("DROP SCHEMA public CASCADE")
        except OperationalError as error:
            raise BackupError(
                "Something still works with the database: stop web, beat and the workers first. Nothing was changed."
            ) from error
        cursor.execute("CREATE SCHEMA public")
        MigrationExecutor(connection).migrate(_last_of_each_app(contents.migrations))
        _fill(cursor, archive, contents)


def _fill(cursor: Any, archive: zipfile.ZipFile, contents: Contents) -> None:
    cursor.execute(sql.SQL("TRUNCATE {}").format(_names(contents.tables)))  # what migrations put there themselves
    cursor.execute("SET CONSTRAINTS ALL DEFERRED")  # migrations have made some of them immediate
    for name, table in contents.tables.items():
        query = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(name), _names(table.columns))
        with archive.open(DATABASE + name) as file:
            cursor.copy_expert(query, file)
        if cursor.rowcount != table.rows:
            raise BackupError(f"{name} has {cursor.rowcount} rows where {table.rows} belong; nothing was changed.")
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for name, table in contents.tables.items():
        for column in table.columns:
            _go_on_counting(cursor, name, column)


def _go_on_counting(cursor: Any, table: str, column: str) -> None:
    """New rows get numbers after the restored ones."""
    cursor.execute("SELECT pg_get_serial_sequence(quote_ident(%s), %s)", [table, column])
    (sequence,) = cursor.fetchone()
    if sequence is not None:
        highest = sql.SQL("SELECT setval(%s, GREATEST(max({}), 1), count(*) > 0) FROM {}")
        cursor.execute(highest.format(sql.Identifier(column), sql.Identifier(table)), [sequence])


def _tables(cursor: Any) -> dict[str, tuple[str, ...]]:
    """Columns of every table, in their order. A partition's rows are its table's."""
    cursor.execute(
        """
        SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum) FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
        WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND NOT c.relname = ANY(%s)
        GROUP BY c.relname ORDER BY c.relname
        """,
        [list(_NOT_KEPT)],
    )
    return {name: tuple(columns) for name, columns in cursor.fetchall()}


def _names(names: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _last_of_each_app(migrations: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Without those that another one of the same app builds on: as a target, they would undo it."""
    wanted, nodes = set(migrations), MigrationExecutor(connection).loader.graph.node_map
    return sorted(
        key
        for key in wanted
        if not any(child.key[0] == key[0] and child.key in wanted for child in nodes[key].children)
    )
