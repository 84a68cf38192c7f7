"""The WebSocket to the server: telemetry out, nudges in. It may vanish at any time without loss of correctness."""

import asyncio
import logging
import random
from collections.abc import Callable

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI, WebSocketException

from edge_runtime.agent.identity import Identity
from edge_runtime.agent.outbox import Outbox
from edge_runtime.protocol.backoff import reconnect_delay_s
from edge_runtime.protocol.errors import ProtocolError
from edge_runtime.protocol.messages import Ack, Nudge, ToBox, decode_to_box
from edge_runtime.protocol.version import HEADER, SPOKEN

REFUSED_CAP_S = 300.0
# Where somebody has to act first, the box asks slowly.
_REFUSED_ATTEMPT = 6
_CREDENTIAL = "The server refuses this box's credential. Enrol the box again, or restore it there. It keeps running."
_VERSION = 426
_REFUSALS = {
    401: _CREDENTIAL,
    403: _CREDENTIAL,
    409: "Another process is connected as this box. Stop one of them: two must not share one state folder.",
}

log = logging.getLogger(__name__)


def websocket_address(server: str) -> str:
    return "ws" + server.removeprefix("http") + "/ws/box"


def refusal_status(error: Exception) -> int:
    """The HTTP status of a refused connection, or its like where an open one was closed with code 4000 + status."""
    if isinstance(error, InvalidStatus):
        return error.response.status_code
    if isinstance(error, ConnectionClosed) and error.rcvd is not None:
        return error.rcvd.code - 4000
    return 0


class Link:
    """`on_message` gets all but acknowledgements, on the event loop; a Nudge also comes with every connection."""

    def __init__(self, identity: Identity, outbox: Outbox, on_message: Callable[[ToBox], None]) -> None:
        self._identity = identity
        self._credential = identity.credential
        self._outbox = outbox
        self._on_message = on_message
        self._has_news = asyncio.Event()
        self.problem = ""

    def use_credential(self, credential: str) -> None:
        """From the next connection on; the one that is open stays."""
        self._credential = credential

    def wake(self) -> None:
        """Something was put into the outbox."""
        self._has_news.set()

    async def run(self) -> None:
        """Connect, talk, and connect again, until cancelled."""
        attempt = 0
        while True:
            cap_s = 30.0
            try:
                attempt = await self._talk_once(attempt)
                problem = f"The server at {self._identity.server} closed the connection."
            except (OSError, TimeoutError, InvalidHandshake, InvalidURI, WebSocketException) as error:
                status = refusal_status(error)
                problem = _REFUSALS.get(status, f"The server at {self._identity.server} cannot be reached ({error}).")
                if status == _VERSION and isinstance(error, ConnectionClosed) and error.rcvd is not None:
                    problem = error.rcvd.reason
                if status in (*_REFUSALS, _VERSION):
                    attempt, cap_s = max(attempt, _REFUSED_ATTEMPT), REFUSED_CAP_S
            self._note(problem)
            await asyncio.sleep(reconnect_delay_s(attempt, random.random(), cap_s=cap_s))
            attempt += 1

    async def _talk_once(self, attempt: int) -> int:
        """Returns the attempt number to go on with once a connection that worked has ended."""
        headers = {"Authorization": f"Bearer {self._credential}", HEADER: str(SPOKEN)}
        async with connect(
            websocket_address(self._identity.server), additional_headers=headers, close_timeout=1, max_size=2**20
        ) as connection:
            self._outbox.connected()
            self._note("")
            self.wake()
            self._on_message(Nudge())
            sender = asyncio.create_task(self._send(connection))
            try:
                async for content in connection:
                    self._receive(content)
                    attempt = 0
            finally:
                self._outbox.disconnected()
                sender.cancel()
                await asyncio.gather(sender, return_exceptions=True)
        return attempt

    async def _send(self, connection: ClientConnection) -> None:
        while True:
            await self._has_news.wait()
            self._has_news.clear()
            for message in self._outbox.take():
                await connection.send(message)

    def _receive(self, content: str | bytes) -> None:
        try:
            message = decode_to_box(content)
        except ProtocolError as error:
            # A newer server may say more than this version knows.
            log.warning("%s", error)
            return
        if isinstance(message, Ack):
            self._outbox.acknowledge(message)
            self.wake()
        else:
            self._on_message(message)

    def _note(self, problem: str) -> None:
        if problem != self.problem:
            log.warning(problem) if problem else log.info("Connected to %s", self._identity.server)
        self.problem = problem
