"""The demo's PostgreSQL and Redis for one command: those of the running demo, or started for as long as it takes."""

import contextlib
from collections.abc import AsyncIterator

from demo.console import Console
from demo.instance import InstanceError, instance_read, only_instance
from demo.options import Options
from demo.servers import Servers, start_servers
from demo.supervisor import Supervisor
from demo.survivors import end_survivors


@contextlib.asynccontextmanager
async def servers_at_hand(options: Options) -> AsyncIterator[Servers]:
    """Whether or not the demo runs."""
    running = instance_read(options.var_dir)
    try:
        async with servers_alone(options) as servers:
            yield servers
    except InstanceError:
        if running is None:
            raise
        yield running.servers


@contextlib.asynccontextmanager
async def servers_alone(options: Options) -> AsyncIterator[Servers]:
    """Raises InstanceError while the demo runs."""
    with only_instance(options.var_dir):
        end_survivors(options.var_dir / "run" / "processes.json")
        supervisor = Supervisor(options.var_dir, Console(has_process_lines=False))
        try:
            yield await start_servers(supervisor, options.var_dir)
        finally:
            await supervisor.stop()
