"""`make backup` and `make restore`: the web application's own commands, on the demo's servers and data."""

from demo import processes
from demo.at_hand import servers_alone, servers_at_hand
from demo.console import Console
from demo.options import Options
from demo.prepare import run_python


async def backup(options: Options, file: str) -> None:
    """Also while the demo runs."""
    async with servers_at_hand(options) as servers:
        shared = processes.environment(options.var_dir, servers)
        Console().say(await run_python(shared, "manage.py", "backup", file, doing="make a backup"))


async def restore(options: Options, arguments: list[str]) -> None:
    async with servers_alone(options) as servers:
        shared = processes.environment(options.var_dir, servers)
        Console().say(await run_python(shared, "manage.py", "restore", *arguments, doing="restore the backup"))
