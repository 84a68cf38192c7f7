"""Servers of a benchmark's own whose data stay from run to run, because making them takes long."""

import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

from demo import processes
from demo.console import Console
from demo.servers import start_servers
from demo.supervisor import Supervisor
from demo.survivors import end_survivors


@contextlib.asynccontextmanager
async def kept_servers(var_dir: Path) -> AsyncIterator[tuple[Supervisor, dict[str, str]]]:
    """PostgreSQL and Redis with their data in `var_dir`; what processes need to find them, in os.environ as well."""
    for made in (var_dir / "log", var_dir / "run"):
        made.mkdir(parents=True, exist_ok=True)
    end_survivors(var_dir / "run" / "processes.json")
    supervisor = Supervisor(var_dir, Console(has_process_lines=False))
    try:
        shared = processes.environment(var_dir, await start_servers(supervisor, var_dir, is_durable=False))
        os.environ.update(shared)
        yield supervisor, shared
    finally:
        await supervisor.stop()
