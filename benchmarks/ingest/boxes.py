"""Simulated boxes: the link and the outbox of a real one, with made-up statistics, and the time of every sample."""

import asyncio
import random
import time
import uuid
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

import msgspec
from websockets.asyncio.client import connect

from benchmarks.ingest.fleet import SeededBox
from edge_runtime.agent.identity import Identity
from edge_runtime.agent.link import Link, websocket_address
from edge_runtime.agent.outbox import Outbox
from edge_runtime.protocol.messages import Ack, CameraSample, HostSample, MemorySample, QuerySample, Report, Stats

PROCESSED = 4  # frames of each query in each sample
MIB = 2**20


class TimedOutbox(Outbox):
    """Knows when each sample was given to it, and how long its acknowledgement took."""

    def __init__(self) -> None:
        super().__init__()
        self.given: dict[int, float] = {}
        self.took_s: list[float] = []
        self.acknowledged = 0

    def acknowledge(self, ack: Ack) -> None:
        now = time.monotonic()
        for seq in range(self.acknowledged + 1, ack.seq + 1):
            self.took_s.append(now - self.given[seq])
        self.acknowledged = max(self.acknowledged, ack.seq)
        super().acknowledge(ack)


class SimulatedBox:
    """Sends `rate_fps` samples a second while `rate_fps` is not 0, each box at its own moment of the second."""

    def __init__(self, seeded: SeededBox, server: str, chance: random.Random) -> None:
        self._seeded, self._chance, self._phase = seeded, chance, chance.random()
        self.box = seeded.box
        self.boot_id, self.seq, self.rate_fps = uuid.uuid4().hex, 0, 0.0
        self.outbox = TimedOutbox()
        self.outbox.set_report(Report("running", "", "", 0))
        self.identity = Identity(server, seeded.box, seeded.box, seeded.credential, "")
        self.link = Link(self.identity, self.outbox, lambda message: None)
        self.late_s: list[float] = []

    async def run(self) -> None:
        """Until cancelled."""
        await asyncio.gather(self.link.run(), self._measure())

    async def _measure(self) -> None:
        due = time.monotonic() + self._phase
        while True:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if not self.rate_fps:
                due = time.monotonic() + 0.2 * self._phase + 0.05
                continue
            self.late_s.append(time.monotonic() - due)
            self.seq += 1
            self.outbox.given[self.seq] = time.monotonic()
            self.outbox.add_stats(self._stats())
            self.link.wake()
            due = max(due + 1 / self.rate_fps, time.monotonic() - 5.0)

    def _stats(self) -> Stats:
        draw = self._chance.random
        free = int(100 * MIB * draw())
        memory = MemorySample(300 * MIB, 180 * MIB - free, 100 * MIB, 10 * MIB, 10 * MIB, free, 400 * MIB)
        host = HostSample(time.time(), 40.0, 8000 * MIB, 4000 * MIB, 32_000 * MIB, 9000 * MIB, 55.0)
        return Stats(
            boot_id=self.boot_id,
            seq=self.seq,
            at=time.time(),
            interval_s=1 / self.rate_fps,
            bundle_version=1,
            memory=memory,
            queries=tuple(
                QuerySample(query, PROCESSED + 1, PROCESSED, 1, 0, 20 + 10 * draw(), 50 + 10 * draw(), 2, 8.0, 0.95, 5)
                for query in self._seeded.queries
            ),
            cameras=(CameraSample(self._seeded.camera, "running", 5.0),),
            cpu_percent=50 * draw(),
            host=host if self.seq % 5 == 0 else None,
        )


async def connected(boxes: Sequence[SimulatedBox], server: str, per_second: float) -> list[asyncio.Task[None]]:
    """Starts all, so many a second once the server listens, and waits until all are connected."""
    tasks, address = [], urlsplit(server)
    while True:
        try:
            _, writer = await asyncio.open_connection(address.hostname, address.port)
        except OSError:
            await asyncio.sleep(0.1)
            continue
        writer.close()
        break
    for box in boxes:
        tasks.append(asyncio.create_task(box.run()))
        await asyncio.sleep(1 / per_second)
    while not all(box.outbox.is_connected for box in boxes):
        await asyncio.sleep(0.1)
    return tasks


class Browser:
    """Looks at boxes as a page does, and notes how long after it was measured each sample came."""

    def __init__(self, server: str, cookie: str, boxes: Iterable[SimulatedBox]) -> None:
        self._server, self._cookie = server, cookie
        self._boxes = {box.box: box for box in boxes}
        self.took_s: list[float] = []

    async def run(self) -> None:
        """Until cancelled."""
        address = websocket_address(self._server).removesuffix("/ws/box") + "/ws/live"
        headers = {"Cookie": self._cookie, "Origin": self._server}
        async with connect(address, additional_headers=headers) as socket:
            await socket.send(msgspec.json.encode({"subscribe": [f"box:{box}" for box in self._boxes]}).decode())
            async for content in socket:
                message = msgspec.json.decode(content)
                if message["kind"] == "stats":
                    box = self._boxes[message["topic"].removeprefix("box:")]
                    self.took_s.append(time.monotonic() - box.outbox.given[message["stats"]["seq"]])
