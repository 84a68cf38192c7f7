"""A box as a process of its own, without models: `python -m tests.simulators.lone_box SERVER PUBLIC_KEY FOLDER`.

Says "started" once its agent runs. SIGTERM ends it as it ends `gemel-edge run`.
"""

import asyncio
import os
import sys
from pathlib import Path

from edge_runtime.app import _until_signalled
from tests.simulators.box import Box


class ServerAddress:
    def __init__(self, url: str, public_key: str) -> None:
        self.url, self.public_key = url, public_key


async def main(url: str, public_key: str, folder: Path) -> None:
    box = Box(ServerAddress(url, public_key), folder)
    box.make()
    asyncio.get_running_loop().call_soon(lambda: print("started", flush=True))  # once signals are waited for
    await _until_signalled(box.agent)
    box.cameras.stop_all()


if __name__ == "__main__":
    asyncio.new_event_loop().run_until_complete(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
    os._exit(0)
