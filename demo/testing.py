"""`make test`: fresh servers of their own under var/test, pytest on them, and nothing left behind.

Without arguments the tests that use these servers run beside all others: both wait a good deal.
"""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import IO

from demo.chromium import chromium_found
from demo.console import Console
from demo.processes import ROOT
from demo.servers import start_servers
from demo.supervisor import Supervisor
from demo.survivors import end_survivors

TEST_DIR = ROOT / "var" / "test"
ON_SERVERS = ("tests/functional", "tests/integration/server")
SLOWEST = ("--durations=10", "--durations-min=10")


async def run_tests(arguments: Sequence[str]) -> int:
    """Pytest's exit code. GPU tests skip themselves."""
    end_survivors(TEST_DIR / "run" / "processes.json")
    shutil.rmtree(TEST_DIR, ignore_errors=True)
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
        environment = {**os.environ, **own}
        return await (_pytest(arguments, environment) if arguments else _everything(environment))
    finally:
        await supervisor.stop()


async def _everything(environment: Mapping[str, str]) -> int:
    """Two runs at a time; what the one on the servers says is shown after the other's."""
    log = TEST_DIR / "on-servers.log"
    with log.open("w") as file:
        codes = await asyncio.gather(
            _pytest([*SLOWEST, *(f"--ignore={folder}" for folder in ON_SERVERS)], environment),
            _pytest([*SLOWEST, *ON_SERVERS], environment, output=file),
        )
    print(log.read_text(), flush=True)
    return max(codes)


async def _pytest(arguments: Sequence[str], environment: Mapping[str, str], output: IO[str] | None = None) -> int:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pytest", *arguments, cwd=ROOT, env=environment, stdout=output, stderr=output
    )
    return await process.wait()


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
