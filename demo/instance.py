"""One running product per data folder: the lock that keeps a second one away, and the note that says where it is."""

import contextlib
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from demo.servers import Servers
from edge_runtime.protocol.errors import GemelError

PORTS_TRIED = 50


class InstanceError(GemelError):
    code = "demo_instance"


@dataclass(frozen=True)
class Instance:
    """Where the running product answers. Written once it does, for its owner only: the addresses hold passwords."""

    url: str
    pid: int
    database_url: str
    redis_url: str

    @property
    def servers(self) -> Servers:
        return Servers(self.database_url, self.redis_url)


@contextlib.contextmanager
def only_instance(var_dir: Path) -> Iterator[None]:
    """Holds the data folder. The system lets go of the lock when we are killed, so it never goes stale."""
    try:
        (var_dir / "run").mkdir(parents=True, exist_ok=True)
        lock = (var_dir / "run" / "demo.lock").open("w")
    except OSError as error:
        raise InstanceError(
            f"The folder {var_dir} cannot be written to ({error.strerror}). "
            "Set GEMEL_VAR_DIR to a folder of your own and try again."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InstanceError(_already_running(var_dir)) from error
        _path(var_dir).unlink(missing_ok=True)
        yield
        _path(var_dir).unlink(missing_ok=True)


def instance_write(var_dir: Path, url: str, servers: Servers) -> None:
    instance = Instance(url, os.getpid(), servers.database_url, servers.redis_url)
    temporary = _path(var_dir).with_suffix(".new")
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(asdict(instance), file)
    temporary.replace(_path(var_dir))


def instance_read(var_dir: Path) -> Instance | None:
    """The running product of this data folder, None before it answers."""
    try:
        return Instance(**json.loads(_path(var_dir).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def choose_port(host: str, wanted: int) -> int:
    """`wanted`, or the next one that is free."""
    for port in range(wanted, wanted + PORTS_TRIED):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind((host, port))
                return port
    raise InstanceError(
        f"No port from {wanted} to {wanted + PORTS_TRIED - 1} can be used on {host}. Set PORT to another."
    )


def _already_running(var_dir: Path) -> str:
    running = instance_read(var_dir)
    if running is None:
        return f"A demo is starting on the data in {var_dir} already. Wait for it, or stop it with Ctrl-C there."
    return f"The demo runs already at {running.url} (process {running.pid}). Open that, or stop it with Ctrl-C there."


def _path(var_dir: Path) -> Path:
    return var_dir / "run" / "demo.json"
