"""`make demo-password`: a new administrator password for the demo, shown once. Works while it runs, too."""

import secrets

from demo import processes
from demo.at_hand import servers_at_hand
from demo.console import Console
from demo.options import Options
from demo.prepare import run_python
from demo.servers import Servers

ADMINISTRATOR = "admin"


def password_new() -> str:
    """64 random bits in four groups that can be typed."""
    return "-".join(secrets.token_hex(2) for _ in range(4))


async def set_password(options: Options) -> None:
    password = options.password or password_new()
    async with servers_at_hand(options) as servers:
        await _set(options, servers, password)
    Console().say(f"Sign in as {ADMINISTRATOR} with the password {password} (shown only this once).")


async def _set(options: Options, servers: Servers, password: str) -> None:
    shared = processes.environment(options.var_dir, servers) | {"GEMEL_DEMO_PASSWORD": password}
    await run_python(shared, "-m", "demo.people", ADMINISTRATOR, doing="set the password")
