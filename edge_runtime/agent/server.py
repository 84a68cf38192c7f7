"""The server's HTTP API as the box sees it: one method per call, errors translated. Holds no state but the ETag.

A refusal (4xx) carries {"code", "message"}; its message is written for a person and is passed on.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

import httpx
import msgspec

from edge_runtime.agent.identity import Identity
from edge_runtime.protocol.enrolment import CredentialReply, EnrolReply, EnrolRequest
from edge_runtime.protocol.errors import UNREADABLE, GemelError, ProtocolError
from edge_runtime.protocol.manifest import SignedManifest
from edge_runtime.protocol.measurements import BoxMeasured
from edge_runtime.protocol.messages import EventReport, FrameIndex, ProbeResult
from edge_runtime.protocol.signing import KeyRotation
from edge_runtime.protocol.target import TargetState
from edge_runtime.protocol.version import HEADER, SPOKEN, agreed, versions_from

Answer = TypeVar("Answer")
PROTOCOL = {HEADER: str(SPOKEN)}
_CHUNK_BYTES = 64 * 1024
_TIMEOUT = httpx.Timeout(30.0, connect=10.0)


class ServerUnavailable(GemelError):
    """Away, overloaded or restarting: the box keeps running and asks again."""

    code = "server_unavailable"
    is_retryable = True


class ServerUnreachable(ServerUnavailable):
    """No answer at all: nothing was tried yet, so this may go on for days."""

    code = "server_unreachable"


class ServerRefused(GemelError):
    """The server understood and said no; `code` and message are the server's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class NotAuthorised(ServerRefused):
    """The credential is unknown or revoked. The box keeps running what it has and asks again, slowly."""

    is_retryable = True


def enrol_at(server: str, request: EnrolRequest, *, transport: httpx.BaseTransport | None = None) -> EnrolReply:
    """Raises ServerRefused (wrong or used code), ServerUnavailable, ProtocolError."""
    try:
        with httpx.Client(base_url=server, timeout=_TIMEOUT, transport=transport) as client:
            response = client.post("/api/box/enrol", content=msgspec.json.encode(request), headers=_JSON | PROTOCOL)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _unavailable(server, error) from error
    return _decoded(_checked(response, server), EnrolReply)


class ServerApi:
    def __init__(self, identity: Identity, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._server = identity.server
        headers = {"Authorization": f"Bearer {identity.credential}", **PROTOCOL}
        self._client = httpx.AsyncClient(
            base_url=identity.server, headers=headers, timeout=_TIMEOUT, transport=transport
        )
        self._etag = ""

    async def close(self) -> None:
        await self._client.aclose()

    async def credential_new(self) -> str:
        """A new credential. This one is sent until `use_credential`, and works until the new one was used."""
        return _decoded(await self._send("POST", "/api/box/credential"), CredentialReply).credential

    def use_credential(self, credential: str) -> None:
        self._client.headers["Authorization"] = f"Bearer {credential}"

    async def target(self) -> TargetState | None:
        """The wanted state; None when it is the one that was fetched last."""
        headers = {"If-None-Match": self._etag} if self._etag else {}
        response = await self._send("GET", "/api/box/target", headers=headers)
        if response.status_code == httpx.codes.NOT_MODIFIED:
            return None
        target = _decoded(response, TargetState)
        self._etag = response.headers.get("ETag", "")
        return target

    async def manifest(self, digest: str) -> SignedManifest:
        return _decoded(await self._send("GET", f"/api/box/manifests/{digest}"), SignedManifest)

    @asynccontextmanager
    async def blob(self, digest: str, offset: int) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
        """(where the bytes begin, the bytes): from `offset` on where the server serves ranges, else from 0."""
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={offset}-"} if offset else {})
        try:
            async with self._client.stream("GET", f"/api/box/blobs/{digest}", headers=headers) as response:
                if response.is_error:
                    await response.aread()
                _checked(response, self._server)
                is_part = response.status_code == httpx.codes.PARTIAL_CONTENT
                yield offset if is_part else 0, response.aiter_bytes(_CHUNK_BYTES)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _unavailable(self._server, error) from error

    async def key_rotations(self) -> tuple[KeyRotation, ...]:
        return _decoded(await self._send("GET", "/api/box/key-rotations"), tuple[KeyRotation, ...])

    async def probe_answer(self, camera: str, result: ProbeResult, picture: bytes | None) -> None:
        parts = [("probe", (None, msgspec.json.encode(result), "application/json"))]
        if picture is not None:
            parts.append(("picture", ("picture.jpg", picture, "image/jpeg")))
        await self._send("POST", f"/api/box/cameras/{camera}/probe", files=parts)

    async def event_add(self, event: EventReport, picture: bytes | None) -> None:
        parts = [("event", (None, msgspec.json.encode(event), "application/json"))]
        if picture is not None:
            parts.append(("picture", ("picture.jpg", picture, "image/jpeg")))
        await self._send("POST", "/api/box/events", files=parts)

    async def frames_add(self, request: str, index: FrameIndex, pictures: Mapping[str, bytes]) -> None:
        parts = [("index", (None, msgspec.json.encode(index), "application/json"))]
        parts += [("files", (name, jpeg, "image/jpeg")) for name, jpeg in pictures.items()]
        await self._send("POST", f"/api/box/frame-requests/{request}/frames", files=parts)

    async def frames_complete(self, request: str, problem: str) -> None:
        """`problem`: "" or one sentence on why not all frames came."""
        body = msgspec.json.encode({"problem": problem})
        await self._send("POST", f"/api/box/frame-requests/{request}/complete", content=body, headers=_JSON)

    async def measured(self, measured: BoxMeasured) -> None:
        await self._send("POST", "/api/box/measured", content=msgspec.json.encode(measured), headers=_JSON)

    async def _send(self, method: str, path: str, **arguments: object) -> httpx.Response:
        try:
            response = await self._client.request(method, path, **arguments)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _unavailable(self._server, error) from error
        return _checked(response, self._server)


_JSON = {"Content-Type": "application/json"}


class _Refusal(msgspec.Struct, frozen=True):
    code: str
    message: str


def _checked(response: httpx.Response, server: str) -> httpx.Response:
    if response.status_code < 400:
        agreed(box=SPOKEN, server=versions_from(response.headers.get(HEADER, "")))
        return response
    if response.status_code >= 500 or response.status_code == httpx.codes.TOO_MANY_REQUESTS:
        raise ServerUnavailable(f"The server at {server} has a problem ({response.status_code}). Try again later.")
    try:
        refusal = msgspec.json.decode(response.content, type=_Refusal)
    except UNREADABLE:
        refusal = _Refusal("refused", f"The server at {server} refused with status {response.status_code}.")
    is_auth = response.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN)
    raise (NotAuthorised if is_auth else ServerRefused)(refusal.code, refusal.message)


def _decoded(response: httpx.Response, kind: type[Answer]) -> Answer:
    try:
        return msgspec.json.decode(response.content, type=kind)
    except UNREADABLE as error:
        raise ProtocolError(
            "The server's answer cannot be read. Check that the address is that of a Gemel Fleet server "
            "and that box and server have fitting versions."
        ) from error


def _unavailable(server: str, error: Exception) -> ServerUnreachable:
    reason = str(error) or type(error).__name__
    return ServerUnreachable(f"The server at {server} cannot be reached ({reason}).")
