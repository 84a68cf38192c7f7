"""A disk that is really full: a file system of 300 KiB in memory, which only the process under test sees."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOUNTED = [
    "unshare",
    "--mount",
    "--map-root-user",
    "sh",
    "-c",
    'mount -t tmpfs -o size=300k none "$1" && shift && "$@"',
]
BOX = """
import asyncio, json, sys
from pathlib import Path
from edge_runtime.agent.event_spool import EventSpool
from edge_runtime.agent.events import send_events
from edge_runtime.protocol.messages import EventReport
from edge_runtime.protocol.target import Privacy

folder = Path(sys.argv[1])

class Server:
    received = []
    async def event_add(self, event, picture):
        self.received.append(event.event)

async def sent(spool):
    task = asyncio.create_task(send_events(spool, Server(), lambda camera: Privacy.FULL, asyncio.Event()))
    async with asyncio.timeout(20):
        while spool.waiting:
            await asyncio.sleep(0.01)
    task.cancel()

def add(spool, number):
    event = EventReport(f"{number}", "q", "gate", "appeared", "car", 100.0 + number, None, 0.9)
    spool.add(event, bytes(10_000), Privacy.FULL)

spool = EventSpool(folder / "events.sqlite")
for number in range(60):
    add(spool, number)
filled = spool.waiting, spool.dropped
with (folder / "filler").open("wb", buffering=0) as filler:
    try:
        while filler.write(bytes(1024)):
            pass
    except OSError:
        pass
asyncio.run(sent(spool))
(folder / "filler").unlink()
add(spool, 60)
recovered = spool.waiting, spool.dropped
asyncio.run(sent(spool))
print(json.dumps({"filled": filled, "recovered": recovered, "received": Server.received}))
"""


def mounts(folder: Path) -> bool:
    try:
        return subprocess.run([*MOUNTED, "sh", folder, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def test_events_are_lost_and_counted_on_a_full_disk_each_other_is_sent_once_and_it_recovers(tmp_path: Path) -> None:
    if not mounts(tmp_path):
        pytest.skip("this machine lets nobody mount a file system of their own")
    command = [*MOUNTED, "sh", tmp_path, sys.executable, "-c", BOX, tmp_path]
    box = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    found = json.loads(box.stdout)

    kept, lost = found["filled"]
    assert kept + lost == 60
    assert kept > 3
    assert lost > 30
    assert found["recovered"] == [1, lost]
    assert found["received"] == [*map(str, range(kept)), "60"]
    assert box.stderr.count("Events cannot be kept on disk (database or disk is full)") == 1
    assert f"Events are kept on disk again; {lost} were lost" in box.stderr
