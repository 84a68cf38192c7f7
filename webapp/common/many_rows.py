"""Many rows in one statement, where the ORM's objects would cost more than PostgreSQL does."""

from collections.abc import Sequence
from typing import Any

from django.db import connection
from psycopg2.extras import execute_values


def insert_rows(statement: str, rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """`statement`: an INSERT with `VALUES %s`. Returns what it returns, if it does. Raises Django's database errors."""
    if not rows:
        return []
    with connection.cursor() as cursor, connection.wrap_database_errors:
        execute_values(cursor.cursor, statement, rows, page_size=len(rows))
        return cursor.cursor.fetchall() if cursor.cursor.description else []
