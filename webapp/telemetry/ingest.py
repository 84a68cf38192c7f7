"""From the boxes' sockets into the database, many samples in one transaction: what a web process has one of.

Whatever arrives while a batch is being written makes the next one, so that the database is asked as rarely as it is
slow. While it is away a batch is tried again. What waits is bounded: then sockets are read no further, and boxes keep
their samples, which they do anyway until these are acknowledged.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from django.db import InterfaceError, OperationalError
from django.utils import timezone

from webapp.common.database_thread import DatabaseThread
from webapp.telemetry.policies import StatsUnusable
from webapp.telemetry.services import Arrived, Recorded, stats_record_all

GATHER_S = 0.1  # of a second that live charts may be behind
BATCH_MAX = 500
WAITING_BYTES_MAX = 32 * 2**20
RETRY_S = 1.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """Of one message: it is stored, now or already; or there is a `problem`, and it never can be. `error`: nothing is
    known of it, and the box should send it again over another connection."""

    problem: StatsUnusable | None = None
    error: Exception | None = None


@dataclass(frozen=True)
class _Waiting:
    arrived: Arrived
    size_bytes: int
    tell: Callable[[Outcome], None]


class StatsIngest:
    """Used on one event loop. `record` runs on `database`."""

    def __init__(self, database: DatabaseThread, record: Callable[..., Recorded] = stats_record_all) -> None:
        self._database, self._record = database, record
        self._waiting: deque[_Waiting] = deque()
        self._waiting_bytes = 0
        self._has_room = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None
        self._is_away = False

    async def put(self, arrived: Arrived, size_bytes: int, tell: Callable[[Outcome], None]) -> None:
        """Returns at once, or when there is room. `tell` is called on this loop once the message is in the database."""
        while self._waiting_bytes >= WAITING_BYTES_MAX:
            self._has_room.clear()
            await self._has_room.wait()
        self._waiting.append(_Waiting(arrived, size_bytes, tell))
        self._waiting_bytes += size_bytes
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())

    async def _write(self) -> None:
        """While something waits."""
        try:
            while self._waiting:
                await asyncio.sleep(GATHER_S)
                batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), BATCH_MAX))]
                outcomes = await self._stored(batch)
                self._waiting_bytes -= sum(one.size_bytes for one in batch)
                self._has_room.set()
                for one, outcome in zip(batch, outcomes, strict=True):
                    one.tell(outcome)
        finally:
            self._writing = None

    async def _stored(self, batch: list[_Waiting]) -> list[Outcome]:
        arrived = [one.arrived for one in batch]
        while True:
            try:
                recorded = await self._database.run(self._record, arrived=arrived, now=timezone.now())
            except (OperationalError, InterfaceError) as error:
                if not self._is_away:
                    logger.warning("Statistics wait for the database: %s", error)
                self._is_away = True
                await asyncio.sleep(RETRY_S)
            except Exception as error:  # the edge of this task: nobody else would hear of it
                logger.exception("Statistics were not stored")
                return [Outcome(error=error)] * len(batch)
            else:
                self._is_away = False
                return [Outcome(recorded.unusable.get(one.key)) for one in arrived]
