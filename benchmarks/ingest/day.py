"""A box that was without its server for a day comes back while the others send: 86,400 samples from its spool."""

import asyncio
import contextlib
import random
import time
from pathlib import Path

import msgspec
import psycopg2

from benchmarks.ingest.boxes import SimulatedBox
from benchmarks.ingest.claims import Day
from benchmarks.ingest.fleet import SeededBox
from demo.servers import Servers
from edge_runtime.agent.link import Link
from edge_runtime.agent.outbox import Outbox
from edge_runtime.agent.spooling import StatsKeeper
from edge_runtime.agent.stats_spool import DiskWork, Numbered, StatsSpool

SAMPLES = 86_400
_CHUNK = 2_000
ROLLED_UP_WITHIN_S = 180.0


class DayBox(SimulatedBox):
    """Its samples are in its spool already; it measures nothing more."""

    def __init__(self, seeded: SeededBox, server: str, folder: Path) -> None:
        super().__init__(seeded, server, random.Random(0))
        self.rate_fps = 1.0
        self._path = folder / "statistics.sqlite"
        spool = StatsSpool(self._path)
        spool.open()
        start = time.time() - SAMPLES - 120
        for first in range(1, SAMPLES + 1, _CHUNK):
            spool.carry_out(DiskWork(keep=tuple(self._numbered(start) for _ in range(first, first + _CHUNK))))
        spool.close()
        self.spool_bytes = self._path.stat().st_size
        self._plain = Outbox()
        self._spool = StatsSpool(self._path)
        self._day_link = Link(self.identity, self._plain, lambda message: None)
        self._keeper = StatsKeeper(self._plain, self._spool, self._day_link.wake)

    async def come_back(self, servers: Servers) -> Day:
        began = time.monotonic()
        tasks = [asyncio.create_task(self._keeper.run()), asyncio.create_task(self._day_link.run())]
        while not self._spool.waiting:  # until it is open
            await asyncio.sleep(0.1)
        while self._spool.waiting or self._plain.in_memory:
            await asyncio.sleep(0.1)
        sent_in_s = time.monotonic() - began
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        while (seconds := await asyncio.to_thread(_hour_seconds, servers, self.box)) < SAMPLES - 1:
            if time.monotonic() - began > sent_in_s + ROLLED_UP_WITHIN_S:
                return Day(SAMPLES, self.spool_bytes, round(sent_in_s, 1), None, seconds)
            await asyncio.sleep(1.0)
        added_up_in_s = time.monotonic() - began
        return Day(SAMPLES, self.spool_bytes, round(sent_in_s, 1), round(added_up_in_s, 1), seconds)

    def _numbered(self, start: float) -> Numbered:
        self.seq += 1
        return Numbered(self.seq, msgspec.structs.replace(self._stats(), at=start + self.seq, host=None))


def _hour_seconds(servers: Servers, box: str) -> float:
    with contextlib.closing(psycopg2.connect(servers.database_url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(seconds), 0) FROM telemetry_boxrollup WHERE resolution = 'hour' AND box_id = %s", [box]
        )
        return float(cursor.fetchone()[0])
