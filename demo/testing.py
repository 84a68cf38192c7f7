"""`make test`: fresh servers of their own under var/test, pytest on them, and nothing left behind.

Without arguments the tests with servers run beside all others: both wait a good deal, and take about equally long. What
tests write to temporary files stays in memory where there is enough: a disk takes minutes to say that it has kept what
is deleted.
"""

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil

from demo.chromium import chromium_found
from demo.console import Console
from demo.processes import ROOT
from demo.servers import start_servers
from demo.supervisor import Supervisor
from demo.survivors import end_survivors
from demo.unprivileged import remove_room

TEST_DIR = ROOT / "var" / "test"
WAITING = ("tests/functional", "tests/integration/demo", "tests/integration/server")
SLOWEST = ("--durations=10", "--durations-min=10")
MEMORY_DISK = Path("/dev/shm")
ENOUGH_BYTES = 6 * 2**30  # several times what a run was seen to leave


async def run_tests(arguments: Sequence[str]) -> int:
    """Pytest's exit code. GPU tests skip themselves."""
    end_survivors(TEST_DIR / "run" / "processes.json")
    shutil.rmtree(TEST_DIR, ignore_errors=True)
    remove_room(TEST_DIR / "postgres")
    TEST_DIR.mkdir(parents=True)
    console = Console(has_process_lines=False)
    _install_chromium(console)
    supervisor = Supervisor(TEST_DIR, console)
    try:
        servers = await start_servers(supervisor, TEST_DIR, is_durable=False)
        own = {
            "DATABASE_URL": servers.database_url,
            "REDIS_URL": servers.redis_url,
            "OMP_WAIT_POLICY": "passive",
            "CUDA_VISIBLE_DEVICES": "",  # the same everywhere; `make test-gpu` is for what only a GPU shows
            "OMP_NUM_THREADS": "1",
            # No GEMEL_VAR_DIR: the test settings make a temporary folder of their own.
        }
        with _temporary_files() as folder:
            environment = {**os.environ, **own, **folder}
            return await (_pytest(arguments, environment) if arguments else _everything(environment))
    finally:
        await supervisor.stop()
        remove_room(TEST_DIR / "postgres")


async def _everything(environment: Mapping[str, str]) -> int:
    """Two runs at a time; what the one that waits says is shown after the other's."""
    log = TEST_DIR / "waiting.log"
    with log.open("w") as file:
        codes = await asyncio.gather(
            _pytest([*SLOWEST, *(f"--ignore={folder}" for folder in WAITING)], environment),
            _pytest([*SLOWEST, *WAITING], environment, output=file),
        )
    print(log.read_text(), flush=True)
    return max(codes)


async def _pytest(arguments: Sequence[str], environment: Mapping[str, str], output: IO[str] | None = None) -> int:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pytest", *arguments, cwd=ROOT, env=environment, stdout=output, stderr=output
    )
    return await process.wait()


@contextlib.contextmanager
def _temporary_files() -> Iterator[dict[str, str]]:
    """The variable that names a folder in memory, or nothing where there is none or too little of it."""
    is_there = MEMORY_DISK.is_dir() and not os.statvfs(MEMORY_DISK).f_flag & os.ST_NOEXEC
    free = min(shutil.disk_usage(MEMORY_DISK).free, psutil.virtual_memory().available) if is_there else 0
    if free < ENOUGH_BYTES:
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix="gemel-tests-", dir=MEMORY_DISK, ignore_cleanup_errors=True) as folder:
        yield {"TMPDIR": folder}


def _install_chromium(console: Console) -> None:
    """Browser tests need one; where we are root on a Debian it is quickly there, elsewhere they are skipped loudly."""
    if chromium_found():
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        console.say("Installing Chromium for the browser tests.")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
            subprocess.run(["apt-get", "-qq", *command], check=False, env=environment, stdout=subprocess.DEVNULL)
    if not chromium_found():
        console.say("There is no Chromium here: THE BROWSER TESTS ARE SKIPPED. Install chromium to run them.")
