"""The web process, Redis and PostgreSQL are killed while boxes send: every sample is stored, and none twice."""

import asyncio
import os
import random
import signal
from pathlib import Path

import msgspec
import psutil
import pytest

from benchmarks.ingest.__main__ import stored_of
from benchmarks.ingest.boxes import SimulatedBox, connected
from benchmarks.ingest.fleet import SeededFleet
from demo import processes
from demo.console import Console
from demo.prepare import migrate, run_python
from demo.servers import free_port, start_servers
from demo.supervisor import Supervisor

BOXES = 3
RATE_FPS = 10.0


@pytest.fixture(autouse=True)
def _no_servers_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE"):
        monkeypatch.delenv(name, raising=False)


async def _until_all_is_acknowledged(boxes: list[SimulatedBox], beyond: int) -> None:
    async with asyncio.timeout(120):
        while not all(box.outbox.acknowledged > beyond for box in boxes):
            await asyncio.sleep(0.05)


def _kill(word: str) -> None:
    """`kill -9`; the supervisor starts it again, as a service manager would."""
    for process in psutil.Process().children():
        if any(word in part for part in process.cmdline()):
            os.kill(process.pid, signal.SIGKILL)
            return
    pytest.fail(f"{word} does not run")


async def test_statistics_survive_a_killed_web_process_redis_and_postgresql(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    supervisor = Supervisor(folder, Console(has_process_lines=False))
    tasks = list[asyncio.Task[None]]()
    try:
        servers = await start_servers(supervisor, folder, is_durable=False)
        shared = processes.environment(folder, servers)
        await migrate(shared)
        path = tmp_path / "fleet.json"
        await run_python(shared, "-m", "benchmarks.ingest.fleet", str(BOXES), str(path), doing="seed")
        fleet = msgspec.json.decode(path.read_bytes(), type=SeededFleet)
        port = free_port()
        await supervisor.start(processes.web(shared, "127.0.0.1", port))
        server = f"http://127.0.0.1:{port}"
        boxes = [SimulatedBox(seeded, server, random.Random(place)) for place, seeded in enumerate(fleet.boxes)]
        tasks = await connected(boxes, server, per_second=50)
        for box in boxes:
            box.rate_fps = RATE_FPS
        for victim in ("uvicorn", "redis-server", "postgres"):
            await _until_all_is_acknowledged(boxes, max(box.outbox.acknowledged for box in boxes) + 5)
            _kill(victim)
            await asyncio.sleep(1.0)
            await _until_all_is_acknowledged(boxes, max(box.seq for box in boxes))
        for box in boxes:
            box.rate_fps = 0.0
        await _until_all_is_acknowledged(boxes, 0)
        async with asyncio.timeout(60):
            while any(box.seq > box.outbox.acknowledged for box in boxes):
                await asyncio.sleep(0.05)
        stored = await asyncio.to_thread(stored_of, servers, boxes)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await supervisor.stop()
    assert stored.sent > 50 * BOXES
    assert (stored.rows, stored.missing, stored.twice) == (stored.sent, 0, 0)
    assert stored.frames_counted == stored.frames_sent
