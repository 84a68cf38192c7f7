"""One thread with one connection to the database that stays open, for what comes often from an event loop.

Django opens a connection for every call from an event loop, since it cannot know which thread the next call will be on.
To log in to PostgreSQL costs more than most calls do.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import DatabaseError, InterfaceError, connections

LINGER_S = 5.0
P = ParamSpec("P")
T = TypeVar("T")


class DatabaseThread:
    """Used on one event loop. What it runs comes one after the other, and must be short."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="database")
        self._closing: asyncio.TimerHandle | None = None

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Raises what `function` raises. After an error of the database the next call gets a new connection."""
        if self._closing:
            self._closing.cancel()
        try:
            return await sync_to_async(_run, thread_sensitive=False, executor=self._executor)(function, *args, **kwargs)
        finally:
            loop = asyncio.get_running_loop()
            self._closing = loop.call_later(LINGER_S, self._executor.submit, connections.close_all)

    async def close(self) -> None:
        """Ends thread and connection."""
        if self._closing:
            self._closing.cancel()
        self._executor.submit(connections.close_all)
        await asyncio.to_thread(self._executor.shutdown)


def _run(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return function(*args, **kwargs)
    except (DatabaseError, InterfaceError):
        connections.close_all()
        raise
