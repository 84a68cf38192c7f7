"""A fleet's server as one box sees it, in memory, on loopback: enrolment, target state, bundles, uploads, WebSocket.

    with FleetServer() as server:
        server.publish(models, tensors)
        server.change(cameras=(...), queries=(...))
        ... run a box against server.url and look at server.stats, server.reports, server.previews, ...

It checks the credential and keeps what it was sent; it decides nothing.
"""

import asyncio
import hashlib
import re
import socket
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import msgspec
import torch
import uvicorn

from edge_runtime.bundles.tensors import blob_bytes
from edge_runtime.protocol.enrolment import CredentialReply, EnrolReply, EnrolRequest
from edge_runtime.protocol.manifest import Manifest, ModelEntry, SignedManifest, encode_manifest, sha256_hex
from edge_runtime.protocol.measurements import BoxMeasured
from edge_runtime.protocol.messages import (
    Ack,
    EventReport,
    FrameIndex,
    LogLines,
    Nudge,
    PreviewHead,
    PreviewWanted,
    ProbeResult,
    Report,
    Stats,
    ToBox,
    decode_from_box,
    decode_preview,
)
from edge_runtime.protocol.signing import KeyRotation, private_key_new, public_key_of, rotation, sign
from edge_runtime.protocol.target import BundleTarget, TargetState

BOX, CODE, CREDENTIAL = "box-1", "JOIN-1234", "the-credential"
Scope = dict[str, Any]
Answer = tuple[int, bytes, dict[str, str]]


@dataclass
class Upload:
    """What came for one frame request."""

    indexes: list[FrameIndex] = field(default_factory=list)
    pictures: dict[str, bytes] = field(default_factory=dict)
    problem: str | None = None  # None until completed


class FleetServer:
    def __init__(self) -> None:
        self.key = private_key_new()
        self.target = TargetState(box=BOX, bundle=None, poll_s=2.0)
        self.manifests: dict[str, SignedManifest] = {}
        self.blobs: dict[str, bytes] = {}
        self.blobs_served: list[str] = []
        self.blob_status, self.blob_cut = 200, 2**40
        self.ranges_asked: list[int] = []
        self.key_rotations: list[KeyRotation] = []
        self.enrolments: list[EnrolRequest] = []
        self.credentials_given: list[str] = []
        self.stats: list[Stats] = []
        self.reports: list[Report] = []
        self.log: list[LogLines] = []
        self.previews: list[tuple[PreviewHead, bytes]] = []
        self.probes: list[tuple[str, ProbeResult, bytes | None]] = []
        self.uploads: dict[str, Upload] = {}
        self.measured: list[BoxMeasured] = []
        self.events: dict[str, tuple[EventReport, bytes | None]] = {}
        self.events_refused: list[EventReport] = []
        self.knows_queries: frozenset[str] | None = None  # of events; None: all
        self.is_acknowledging = True
        self.is_credential_valid = True
        self.credential, self.next_credential = CREDENTIAL, ""
        self._port = _free_port()
        self._sockets: set[asyncio.Queue[ToBox]] = set()
        self._server: uvicorn.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def public_key(self) -> str:
        return public_key_of(self.key)

    def publish(self, models: tuple[ModelEntry, ...], tensors: Mapping[str, torch.Tensor], *, version: int) -> str:
        """Sign a bundle, keep its blobs, make it the target. Returns its digest."""
        content = encode_manifest(Manifest(box=BOX, version=version, models=models, created_at="2026-01-01T00:00:00Z"))
        digest = sha256_hex(content)
        self.manifests[digest] = SignedManifest(content.decode(), sign(content, self.key))
        self.blobs |= {name: blob_bytes(tensor) for name, tensor in tensors.items()}
        self.change(bundle=BundleTarget(digest, version))
        return digest

    def rotate_key(self) -> None:
        old, self.key = self.key, private_key_new()
        self.key_rotations.append(rotation(old, self.public_key))

    def change(self, **fields: Any) -> None:
        """Change the target state and nudge the box."""
        self.target = msgspec.structs.replace(self.target, **fields)
        self.send(Nudge())

    def send(self, message: ToBox) -> None:
        """To every box that is connected."""
        if self._server:
            for queue in list(self._sockets):
                self._loop.call_soon_threadsafe(queue.put_nowait, message)

    def want_preview(self, camera: str, *, seconds: float = 30.0, rate_fps: float = 8.0) -> None:
        self.send(PreviewWanted(camera=camera, seconds=seconds, rate_fps=rate_fps))

    def start(self) -> None:
        config = uvicorn.Config(
            self._app,
            interface="asgi3",
            port=self._port,
            log_level="error",
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        started = threading.Event()

        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            self._loop.call_later(0, started.set)
            await self._server.serve()

        self._thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
        self._thread.start()
        started.wait(5)

    def stop(self) -> None:
        """Away: connections end and nobody listens. `start` comes back on the same port with the same memory."""
        if self._server:
            self._server.should_exit = True
            self._thread.join(5)
            self._server = None

    def __enter__(self) -> "FleetServer":
        self.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    async def _app(self, scope: Scope, receive: Callable[[], Awaitable[Any]], send: Callable[..., Awaitable]) -> None:
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        status, content, headers = self._answer(scope, body)
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": content})

    def _answer(self, scope: Scope, body: bytes) -> Answer:
        path = scope["path"].removeprefix("/api/box/").split("/")
        if path == ["enrol"]:
            return self._enrol(body)
        if not self._is_known(scope):
            return _refusal(401, "credential", "This credential is not known here.")
        match scope["method"], *path:
            case "POST", "credential":
                self.next_credential = f"credential-{len(self.credentials_given) + 1}"
                self.credentials_given.append(self.next_credential)
                return _json(CredentialReply(self.next_credential))
            case "GET", "target":
                return self._target(scope)
            case "GET", "manifests", digest if digest in self.manifests:
                return _json(self.manifests[digest])
            case "GET", "key-rotations":
                return _json(self.key_rotations)
            case "GET", "blobs", digest if digest in self.blobs:
                self.blobs_served.append(digest)
                return self._blob(self.blobs[digest], scope)
            case "POST", "events":
                return self._event(_parts(scope, body))
            case "POST", "cameras", camera, "probe":
                self._probe(camera, _parts(scope, body))
                return 204, b"", {}
            case "POST", "frame-requests", request, "frames":
                self._frames(request, _parts(scope, body))
                return 204, b"", {}
            case "POST", "frame-requests", request, "complete":
                self.uploads.setdefault(request, Upload()).problem = msgspec.json.decode(body)["problem"]
                return 204, b"", {}
            case "POST", "measured":
                self.measured.append(msgspec.json.decode(body, type=BoxMeasured))
                return 204, b"", {}
        return _refusal(404, "not_found", "There is nothing here.")

    def _is_known(self, scope: Scope) -> bool:
        """The first use of a new credential ends the one before, as on the real server."""
        sent = (_header(scope, "authorization") or "").removeprefix("Bearer ")
        if sent and sent == self.next_credential:
            self.credential, self.next_credential = sent, ""
            self.target = msgspec.structs.replace(self.target, renew_credential=False)
        return self.is_credential_valid and sent == self.credential

    def _enrol(self, body: bytes) -> Answer:
        request = msgspec.json.decode(body, type=EnrolRequest)
        if request.code != CODE:
            return _refusal(400, "join_code", "This join code is not known or has expired. Make a new one.")
        self.enrolments.append(request)
        return _json(
            EnrolReply(box=BOX, name="Depot", credential=CREDENTIAL, server_public_key=self.public_key), status=201
        )

    def _target(self, scope: Scope) -> Answer:
        content = msgspec.json.encode(self.target)
        etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        if _header(scope, "if-none-match") == etag:
            return 304, b"", {"etag": etag}
        return 200, content, {"etag": etag, "content-type": "application/json"}

    def _blob(self, content: bytes, scope: Scope) -> Answer:
        """`blob_status`: what goes wrong with every blob; `blob_cut`: how many bytes of it come."""
        if self.blob_status != 200:
            return _refusal(self.blob_status, "trouble", "There is trouble with this file.")
        headers = {"content-type": "application/octet-stream"}
        start = int((_header(scope, "range") or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        self.ranges_asked.append(start)
        if start:
            headers["content-range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        return 206 if start else 200, content[start:][: self.blob_cut], headers

    def _probe(self, camera: str, parts: list[tuple[str, str | None, bytes]]) -> None:
        fields = {name: content for name, _, content in parts}
        result = msgspec.json.decode(fields["probe"], type=ProbeResult)
        self.probes.append((camera, result, fields.get("picture")))
        self.target = msgspec.structs.replace(
            self.target, probes={name: number for name, number in self.target.probes.items() if name != camera}
        )

    def _event(self, parts: list[tuple[str, str | None, bytes]]) -> Answer:
        fields = {name: content for name, _, content in parts}
        event = msgspec.json.decode(fields["event"], type=EventReport)
        if self.knows_queries is not None and event.query not in self.knows_queries:
            self.events_refused.append(event)
            return _refusal(404, "not_found", "This query does not exist any more.")
        self.events.setdefault(event.event, (event, fields.get("picture")))
        return 204, b"", {}

    def _frames(self, request: str, parts: list[tuple[str, str | None, bytes]]) -> None:
        upload = self.uploads.setdefault(request, Upload())
        for name, filename, content in parts:
            if name == "index":
                upload.indexes.append(msgspec.json.decode(content, type=FrameIndex))
            else:
                upload.pictures[filename or ""] = content

    async def _websocket(self, scope: Scope, receive: Callable[[], Awaitable[Any]], send: Callable) -> None:
        await receive()
        if not self._is_known(scope) or scope["path"] != "/ws/box":
            await send({"type": "websocket.close", "code": 4401})
            return
        await send({"type": "websocket.accept"})
        queue: asyncio.Queue[ToBox] = asyncio.Queue()
        self._sockets.add(queue)
        sender = asyncio.create_task(_forward(queue, send))
        try:
            while (message := await receive())["type"] == "websocket.receive":
                self._receive(message, queue)
        finally:
            self._sockets.discard(queue)
            sender.cancel()

    def _receive(self, message: dict[str, Any], queue: asyncio.Queue[ToBox]) -> None:
        if message.get("bytes") is not None:
            self.previews.append(decode_preview(message["bytes"]))
            return
        said = decode_from_box(message["text"])
        if isinstance(said, Report):
            self.reports.append(said)
            return
        if isinstance(said, LogLines):
            self.log.append(said)
            return
        if (said.boot_id, said.seq) not in {(known.boot_id, known.seq) for known in self.stats}:
            self.stats.append(said)
        if self.is_acknowledging:
            queue.put_nowait(Ack(said.boot_id, said.seq))


async def _forward(queue: asyncio.Queue[ToBox], send: Callable[..., Awaitable]) -> None:
    while True:
        message = await queue.get()
        await send({"type": "websocket.send", "text": msgspec.json.encode(message).decode()})


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _header(scope: Scope, name: str) -> str:
    return dict(scope["headers"]).get(name.encode(), b"").decode()


def _json(content: Any, status: int = 200) -> Answer:
    return status, msgspec.json.encode(content), {"content-type": "application/json"}


def _refusal(status: int, code: str, message: str) -> Answer:
    return _json({"code": code, "message": message}, status)


def _parts(scope: Scope, body: bytes) -> list[tuple[str, str | None, bytes]]:
    """(field name, file name, content) of every part of a multipart body."""
    boundary = _header(scope, "content-type").partition("boundary=")[2].encode()
    parts = []
    for chunk in body.split(b"--" + boundary)[1:-1]:
        head, _, content = chunk.partition(b"\r\n\r\n")
        names = dict(re.findall(r'(\w+)="([^"]*)"', head.decode()))
        parts.append((names["name"], names.get("filename"), content.removesuffix(b"\r\n")))
    return parts
