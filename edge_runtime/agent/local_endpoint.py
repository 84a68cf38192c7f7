"""What the box says on the spot, over HTTP and a WebSocket, to programs beside it; off unless asked for (`--listen`).

    GET /health /queries /results /cameras/<id>/picture     WebSocket /results/live

It only tells, so it knows no accounts. A web page that a person happens to visit must not read it all the same: what
names another host, or comes from another origin, is refused. A slow client loses lines, and slows nobody.
"""

import asyncio
import contextlib
import ipaddress
import logging
import re
import socket
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from edge_runtime.protocol.errors import GemelError

log = logging.getLogger(__name__)

LIVE_CLIENTS = 16
LINES_PER_CLIENT = 256
_INCOMING = 2048
_PICTURE = re.compile(r"/cameras/([^/]+)/picture")


class ListenError(GemelError):
    code = "listen"


class LocalView(Protocol):
    """What there is to tell, in the agent's hands. Used on the event loop."""

    def health(self) -> Any: ...

    def queries(self) -> Sequence[Any]: ...

    async def picture(self, camera: str) -> bytes | None:
        """Annotated JPEG; None while the camera gives none. Raises KeyError, and PermissionError by privacy."""


@dataclass(frozen=True, eq=False)
class Telling:
    """The lines that one live client has not been sent yet."""

    lines: deque[bytes]
    has_news: asyncio.Event


def listening_socket(address: str) -> socket.socket:
    """A socket on `address`, like 127.0.0.1:8090 or [::1]:8090. Raises ListenError."""
    host, _, port = address.strip().rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ListenError(f'"{address}" is no address to listen on. Write host and port, such as 127.0.0.1:8090.')
    host = host.removeprefix("[").removesuffix("]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, int(port)))
        listener.listen()
    except OSError as error:
        listener.close()
        raise ListenError(
            f"The box cannot listen on {address} ({error.strerror}). Choose another port with --listen, "
            "or end what uses it."
        ) from error
    if host not in ("localhost", "::1") and not host.startswith("127."):
        log.warning("Results and pictures are told to everybody who reaches %s; there is no sign-in", address)
    return listener


class LocalEndpoint:
    """`put` is an AnswerDesk's listener, for any thread; all else runs on the event loop."""

    def __init__(self, view: LocalView) -> None:
        self._view = view
        self._loop: asyncio.AbstractEventLoop | None = None
        self._incoming: deque[tuple[str, bytes]] = deque(maxlen=_INCOMING)
        self._is_scheduled = False
        self._newest: dict[str, bytes] = {}
        self._clients: set[Telling] = set()

    @contextlib.asynccontextmanager
    async def serving(self, listener: socket.socket) -> AsyncIterator[Server]:
        self._loop = asyncio.get_running_loop()
        async with serve(
            self._live,
            sock=listener,
            process_request=self._answer,
            compression=None,
            max_size=1024,
            close_timeout=1,
            server_header=None,
        ) as server:
            yield server

    def put(self, query: str, line: bytes) -> None:
        self._incoming.append((query, line))
        # One call at a time: a loop that is busy must not find a thousand of them.
        if self._loop is not None and not self._is_scheduled:
            self._is_scheduled = True
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._distribute)

    def _distribute(self) -> None:
        self._is_scheduled = False
        while self._incoming:
            query, line = self._incoming.popleft()
            self._newest[query] = line
            for client in self._clients:
                client.lines.append(line)
                client.has_news.set()

    async def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """None leads on to the WebSocket."""
        try:
            return await self._routed(request)
        except Exception:
            log.exception("the local endpoint failed on %s", request.path)
            return _refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "The box failed on this request; its log says why.")

    async def _routed(self, request: Request) -> Response | None:
        path = urlsplit(request.path).path
        is_upgrade = "websocket" in request.headers.get("Upgrade", "").lower()
        if not is_from_here(request.headers):
            return _refusal(HTTPStatus.FORBIDDEN, "This is told to programs on the spot only, not to web pages.")
        if request.method != "GET":
            return _refusal(HTTPStatus.METHOD_NOT_ALLOWED, "Only GET is possible here.")
        if path == "/results/live":
            return self._admitted(is_upgrade)
        if path == "/health":
            return _json(msgspec.json.encode(self._view.health()))
        if path == "/queries":
            return _json(msgspec.json.encode({"queries": list(self._view.queries())}))
        if path == "/results":
            return _json(b'{"results":[' + b",".join(self._results()) + b"]}")
        camera = _PICTURE.fullmatch(path)
        if camera:
            return await self._picture(camera.group(1))
        return _refusal(HTTPStatus.NOT_FOUND, "There is /health, /queries, /results, /cameras/<id>/picture.")

    def _admitted(self, is_upgrade: bool) -> Response | None:
        if not is_upgrade:
            return _refusal(HTTPStatus.UPGRADE_REQUIRED, "This is a WebSocket: connect to it with ws://.")
        if len(self._clients) >= LIVE_CLIENTS:
            return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, f"{LIVE_CLIENTS} clients are connected already.")
        return None

    def _results(self) -> list[bytes]:
        known = {query.query for query in self._view.queries()}
        self._newest = {query: line for query, line in self._newest.items() if query in known}
        return list(self._newest.values())

    async def _picture(self, camera: str) -> Response:
        try:
            picture = await self._view.picture(camera)
        except KeyError:
            return _refusal(HTTPStatus.NOT_FOUND, "This box has no such camera.")
        except PermissionError:
            return _refusal(HTTPStatus.FORBIDDEN, "The camera's privacy setting keeps its pictures from being shown.")
        if picture is None:
            return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, "The camera gives no picture now. Try again later.")
        return _response(HTTPStatus.OK, picture, "image/jpeg")

    async def _live(self, connection: ServerConnection) -> None:
        client = Telling(deque(maxlen=LINES_PER_CLIENT), asyncio.Event())
        self._clients.add(client)
        sender = asyncio.create_task(_send(connection, client))
        try:
            # What a client says means nothing, but only who listens hears that it goes.
            async for _ in connection:
                pass
        finally:
            self._clients.discard(client)
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)


async def _send(connection: ServerConnection, client: Telling) -> None:
    with contextlib.suppress(ConnectionClosed):
        while True:
            await client.has_news.wait()
            client.has_news.clear()
            while client.lines:
                await connection.send(client.lines.popleft(), text=True)


def is_from_here(headers: Headers) -> bool:
    """Whether the request names an address and no name that anybody may have pointed here, and no other origin."""
    host, origin = headers.get("Host", ""), headers.get("Origin")
    name = urlsplit(f"//{host}").hostname or ""
    return (_is_address(name) or name == "localhost") and (origin is None or urlsplit(origin).netloc == host)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _json(content: bytes) -> Response:
    return _response(HTTPStatus.OK, content, "application/json")


def _refusal(status: HTTPStatus, message: str) -> Response:
    code = status.phrase.lower().replace(" ", "_")
    return _response(status, msgspec.json.encode({"code": code, "message": message}), "application/json")


def _response(status: HTTPStatus, content: bytes, kind: str) -> Response:
    headers = Headers(
        [
            ("Content-Type", kind),
            ("Content-Length", str(len(content))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("Connection", "close"),
        ]
    )
    return Response(status.value, status.phrase, headers, content)
