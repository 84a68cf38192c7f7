"""The whole product for browser tests: started once for all of them on free ports, with data of its own."""

import contextlib
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from demo.instance import instance_read
from demo.seeding import DEMO_BOXES
from demo.unprivileged import remove_room

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 240
STOP_TIMEOUT_S = 30


@dataclass
class RunningProduct:
    """`var_dir` holds its data; `output` is what `make demo` printed so far."""

    url: str
    username: str
    password: str
    var_dir: Path
    output: Path
    process: subprocess.Popen[bytes]
    resting: list[psutil.Process] = field(default_factory=list)

    def let_the_demo_rest(self) -> None:
        """Its boxes stand still from now on: on few cores they take most of what a story about another box needs."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while len(self.resting) <= len(DEMO_BOXES):
            assert time.monotonic() < deadline, f"Only these could be put to rest: {self.resting}"
            working = (child for child in psutil.Process(self.process.pid).children() if _is_demo_work(child))
            for child in working:
                if child not in self.resting:
                    child.suspend()
                    self.resting.append(child)
            time.sleep(0.1)

    def wake(self) -> None:
        """So that they can end in order."""
        for child in self.resting:
            with contextlib.suppress(psutil.Error):
                child.resume()

    def wait_for_line(self, pattern: str, timeout_s: float) -> str:
        """The first line of the output that `pattern` is found in."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            for line in self.output.read_text(errors="replace").splitlines():
                if re.search(pattern, line):
                    return line
            time.sleep(0.5)
        raise AssertionError(f"{pattern!r} did not appear within {timeout_s} s in:\n{self.output.read_text()[-6000:]}")


@pytest.fixture(scope="module")
def running_product(tmp_path_factory: pytest.TempPathFactory, chromium_path: str) -> Iterator[RunningProduct]:
    """Servers, web application, workers and both boxes, as `make demo` starts them; the seed may still be going on."""
    folder = tmp_path_factory.mktemp("product")
    var_dir, output = folder / "var", folder / "output"
    password = secrets.token_hex(8)
    environment = {**os.environ, "GEMEL_DEMO_PASSWORD": password, "NO_COLOR": "1"}
    for name in ("DATABASE_URL", "REDIS_URL", "GEMEL_VAR_DIR", "DJANGO_SETTINGS_MODULE", "SECRET_KEY"):
        environment.pop(name, None)  # those of the test run: the product has servers and data of its own
    command = [sys.executable, "-m", "demo", "run", "--var-dir", str(var_dir), "--port", str(_free_port())]
    with output.open("wb") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        url = _wait_until_it_answers(process, var_dir, output)
        product = RunningProduct(url, "admin", password, var_dir, output, process)
        yield product
        product.wake()
    finally:
        _stop(process)
        remove_room(var_dir / "postgres")


def _wait_until_it_answers(process: subprocess.Popen[bytes], var_dir: Path, output: Path) -> str:
    deadline = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        instance = instance_read(var_dir)
        if instance is not None:
            return instance.url
        time.sleep(0.2)
    raise AssertionError(f"The product did not start:\n{output.read_text(errors='replace')[-6000:]}")


def _is_demo_work(process: psutil.Process) -> bool:
    """One of its boxes, or what renders frames for its merges."""
    with contextlib.suppress(psutil.Error):
        return bool({"edge_runtime", "demo.frames"} & {*process.cmdline()})
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
