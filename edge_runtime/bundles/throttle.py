"""A limit on how fast bundles are downloaded, for boxes on a line that others need."""

import asyncio
import time
from collections.abc import Awaitable, Callable


class Throttle:
    """Spreads the transfers of several tasks over time. `bytes_per_s`: None for as fast as it goes."""

    def __init__(
        self,
        bytes_per_s: float | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._bytes_per_s, self._clock, self._sleep = bytes_per_s, clock, sleep
        self._free_at = 0.0

    async def passed(self, size_bytes: int) -> None:
        """`size_bytes` have arrived: waits until the limit allows the next ones."""
        if self._bytes_per_s is None:
            return
        now = self._clock()
        self._free_at = max(now, self._free_at) + size_bytes / self._bytes_per_s
        await self._sleep(self._free_at - now)
