"""A network between a box and its server that can be cut, held and narrowed: a TCP proxy on loopback."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
_PART = 64 * 1024


class Network:
    """`cut_after`: bytes towards the box after which a connection is cut, None for never. `cuts`: how often it was."""

    def __init__(self, port: int, server_port: int) -> None:
        self._port, self._server_port = port, server_port
        self._writers: set[asyncio.StreamWriter] = set()
        self._listener: asyncio.Server | None = None
        self._flows = asyncio.Event()
        self.cut_after: int | None = None
        self.cuts = 0
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._flows.set()
        self.connect()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def connect(self) -> None:
        """Connections are taken again."""
        self._do(self._listen)

    def refuse(self) -> None:
        """Away: what is open is cut, and nobody listens."""
        self._do(self._end)

    def cut(self) -> None:
        """What is open is cut; new connections are taken."""
        self._do(self._drop)

    def hold(self) -> None:
        """Everything stays open and nothing comes through, as behind a dead router."""
        self._do(self._hold)

    def flow(self) -> None:
        self._do(self._flow)

    def _do(self, action: Callable[[], object]) -> None:
        async def done() -> None:
            result = action()
            if asyncio.iscoroutine(result):
                await result

        asyncio.run_coroutine_threadsafe(done(), self._loop).result(10)

    async def _listen(self) -> None:
        if self._listener is None:
            self._listener = await asyncio.start_server(self._serve, "127.0.0.1", self._port)

    async def _end(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        self._drop()

    def _drop(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    def _hold(self) -> None:
        self._flows.clear()

    def _flow(self) -> None:
        self._flows.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._server_port)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, up_writer}
        try:
            await asyncio.gather(self._pass(reader, up_writer, None), self._pass(up_reader, writer, self.cut_after))
        finally:
            self._writers -= {writer, up_writer}

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limit: int | None) -> None:
        passed = 0
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while part := await reader.read(_PART):
                await self._flows.wait()
                passed += len(part)
                writer.write(part)
                await writer.drain()
                if limit is not None and passed >= limit:
                    self.cuts += 1
                    break
        writer.transport.abort() if limit is not None and passed >= limit else writer.close()
