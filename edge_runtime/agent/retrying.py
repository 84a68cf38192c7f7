"""Asking the server until it answers: for what must arrive but may arrive late."""

import asyncio
import random
from collections.abc import Awaitable, Callable

from edge_runtime.protocol.backoff import reconnect_delay_s
from edge_runtime.protocol.errors import GemelError


async def until_accepted(call: Callable[[], Awaitable[None]], *, on_delay: Callable[[str], None] | None = None) -> None:
    """Repeats `call` with growing pauses while its error can pass. Raises one that trying again cannot change.

    `on_delay` hears why it takes longer, and "" once it worked.
    """
    note = on_delay or (lambda sentence: None)
    attempt = 0
    while True:
        try:
            await call()
        except GemelError as error:
            if not error.is_retryable:
                raise
            note(str(error))
            await asyncio.sleep(reconnect_delay_s(attempt, random.random()))
            attempt += 1
        else:
            note("")
            return
