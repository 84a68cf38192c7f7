"""The embedded servers, for real: they start, keep their data, and stop."""

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

import psycopg2
import pytest
import redis

from demo.console import Console
from demo.servers import Servers, find_postgres, reachable_programs, start_servers
from demo.supervisor import Supervisor
from demo.unprivileged import remove_room, unprivileged_user


@pytest.fixture(autouse=True)
def _no_servers_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)


async def _with_servers(folder: Path, sql: str) -> tuple[Servers, list[tuple[str, ...]]]:
    supervisor = Supervisor(folder, Console(has_process_lines=False))
    try:
        servers = await start_servers(supervisor, folder, is_durable=False)
        return servers, await asyncio.to_thread(_ask, servers, sql)
    finally:
        await supervisor.stop()


def _ask(servers: Servers, sql: str) -> list[tuple[str, ...]]:
    assert redis.Redis.from_url(servers.redis_url).ping()
    connection = psycopg2.connect(servers.database_url)
    with connection, connection.cursor() as cursor:
        cursor.execute(sql)
        rows = cursor.fetchall() if cursor.description else []
    connection.close()
    return rows


async def test_data_is_kept_from_one_start_to_the_next(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    await _with_servers(folder, "CREATE TABLE kept AS SELECT 'yes' AS answer")
    _, rows = await _with_servers(folder, "SELECT answer FROM kept")
    assert rows == [("yes",)]


async def test_nobody_gets_in_without_the_password(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path / "var", Console(has_process_lines=False))
    try:
        servers = await start_servers(supervisor, tmp_path / "var", is_durable=False)
        password = servers.database_url.split(":")[2].split("@")[0]
        with pytest.raises(psycopg2.OperationalError, match="password"):
            psycopg2.connect(servers.database_url.replace(password, "wrong"))
        with pytest.raises(redis.AuthenticationError):
            redis.Redis.from_url(f"redis://127.0.0.1:{servers.redis_url.rsplit(':', 1)[1]}").ping()
    finally:
        await supervisor.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's PostgreSQL runs as somebody else")
def test_programs_that_nobody_cannot_enter_run_from_a_copy(tmp_path: Path) -> None:
    user = unprivileged_user()
    assert user is not None
    closed = tmp_path / "site-packages"
    installed = find_postgres().parents[1]
    for folder in installed.parent.glob(f"{installed.name}*"):
        shutil.copytree(folder, closed / folder.name, symlinks=True)
    try:
        programs = reachable_programs(closed / find_postgres().relative_to(installed.parent), user)
        assert not programs.is_relative_to(closed)
        said = subprocess.run([programs / "initdb", "--version"], capture_output=True, text=True, **user.run_as())
        assert "PostgreSQL" in said.stdout, said.stderr
    finally:
        remove_room(closed)


async def test_given_servers_are_used_instead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://elsewhere/gemel")
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere/0")
    supervisor = Supervisor(tmp_path / "var", Console(has_process_lines=False))
    assert await start_servers(supervisor, tmp_path / "var") == Servers(
        "postgres://elsewhere/gemel", "redis://elsewhere/0"
    )
    assert not (tmp_path / "var" / "postgres").exists()
