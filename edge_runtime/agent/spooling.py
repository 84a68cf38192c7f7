"""Between the outbox and the disk: what waits too long for the server is kept there, and read back in its turn.

A box that loses its power loses at most the statistics of the last KEPT_WITHIN_S seconds (and the time of one write).
"""

import asyncio
from collections.abc import Callable

from edge_runtime.agent.outbox import Outbox
from edge_runtime.agent.stats_spool import StatsSpool

KEPT_WITHIN_S = 5.0


class StatsKeeper:
    """`on_loaded`: something can be sent again."""

    def __init__(self, outbox: Outbox, spool: StatsSpool, on_loaded: Callable[[], None]) -> None:
        self._outbox, self._spool, self._on_loaded = outbox, spool, on_loaded
        self._is_open = False
        self._turn = asyncio.Lock()

    @property
    def dropped(self) -> int:
        """Samples that this box has lost so far."""
        return self._spool.dropped + self._outbox.dropped

    def warnings(self) -> tuple[str, ...]:
        return self._spool.warnings()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.step()
            try:
                # Twice in that time, since what comes right after a look waits for the one after the next.
                async with asyncio.timeout(KEPT_WITHIN_S / 2):
                    await self._outbox.disk_wanted.wait()
            except TimeoutError:
                continue

    async def step(self, *, is_last: bool = False) -> None:
        async with self._turn:
            self._outbox.disk_wanted.clear()
            if not await self._opened():
                return
            work = self._outbox.disk_work(is_last=is_last)
            if work.load_limit or work.remove_to or work.keep:
                self._spool.note_dropped(self._outbox.take_dropped())
                # Cancelled half way, the same is done again by `stop`, which changes nothing.
                done = await asyncio.to_thread(self._spool.carry_out, work)
                self._outbox.disk_done(work, done)
                self._on_loaded()

    async def stop(self) -> None:
        """Everything that the server does not have yet goes to the disk."""
        self._outbox.disconnected()
        await self.step(is_last=True)
        await asyncio.to_thread(self._spool.close)

    async def _opened(self) -> bool:
        if not self._is_open:
            newest = await asyncio.to_thread(self._spool.open)
            if newest is None:
                return False
            self._outbox.resume(newest)
            self._is_open = True
        return True
