"""`make demo-password`: a new administrator password for the demo, shown once. Works while it runs, too."""

import secrets

from demo import processes
from demo.console import Console
from demo.instance import InstanceError, instance_read, only_instance
from demo.options import Options
from demo.prepare import run_python
from demo.servers import Servers, start_servers
from demo.supervisor import Supervisor
from demo.survivors import end_survivors

ADMINISTRATOR = "admin"


def password_new() -> str:
    """64 random bits in four groups that can be typed."""
    return "-".join(secrets.token_hex(2) for _ in range(4))


async def set_password(options: Options) -> None:
    password = options.password or password_new()
    console = Console(has_process_lines=False)
    running = instance_read(options.var_dir)
    try:
        with only_instance(options.var_dir):
            end_survivors(options.var_dir / "run" / "processes.json")
            supervisor = Supervisor(options.var_dir, console)
            try:
                servers = await start_servers(supervisor, options.var_dir)
                await _set(options, servers, password)
            finally:
                await supervisor.stop()
    except InstanceError:
        if running is None:
            raise
        await _set(options, running.servers, password)
    console.say(f"Sign in as {ADMINISTRATOR} with the password {password} (shown only this once).")


async def _set(options: Options, servers: Servers, password: str) -> None:
    shared = processes.environment(options.var_dir, servers) | {"GEMEL_DEMO_PASSWORD": password}
    await run_python(shared, "-m", "demo.people", ADMINISTRATOR, doing="set the password")
