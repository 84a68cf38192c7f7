"""A box as a process of its own, without models: `main` is what forks.forked runs.

Says "started" once its agent runs. SIGTERM ends it as it ends `gemel-edge run`.
"""

import asyncio
import os
from pathlib import Path

from edge_runtime.app import _until_signalled
from tests.simulators.box import Box


class ServerAddress:
    def __init__(self, url: str, public_key: str) -> None:
        self.url, self.public_key = url, public_key


def main(url: str, public_key: str, folder: Path) -> None:
    asyncio.new_event_loop().run_until_complete(_run(url, public_key, folder))
    os._exit(0)


async def _run(url: str, public_key: str, folder: Path) -> None:
    box = Box(ServerAddress(url, public_key), folder)
    box.make()
    asyncio.get_running_loop().call_soon(lambda: print("started", flush=True))  # once signals are waited for
    await _until_signalled(box.agent)
    box.cameras.stop_all()
