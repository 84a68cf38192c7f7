"""/ws/box: telemetry and pictures from a box, nudges to it. It may vanish at any time: the truth goes over HTTP.

What a page that looks at the box sees is what the box says, as soon as it says it. Only its acknowledgement, and what
the page loads the next time, wait for the database.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from typing import Any

import msgspec
from asgiref.sync import sync_to_async
from django.utils import timezone

from edge_runtime.protocol.errors import ProtocolError
from edge_runtime.protocol.messages import (
    Ack,
    FromBox,
    LogLines,
    LogWanted,
    Nudge,
    PreviewWanted,
    Report,
    Stats,
    ToBox,
    decode_from_box,
    decode_preview,
)
from edge_runtime.protocol.version import HEADER as PROTOCOL_HEADER
from edge_runtime.protocol.version import VersionsApart
from webapp.common.database_thread import DatabaseThread
from webapp.fleets.api import CredentialRefused, box_of_header, require_spoken
from webapp.fleets.models import Camera
from webapp.fleets.services import box_connected, box_disconnected, box_refused, camera_preview_record
from webapp.realtime.consumer import SocketConsumer
from webapp.realtime.groups import box_commands, camera_live, camera_plain
from webapp.realtime.topics import Topic, TopicKind, live_send
from webapp.rollouts.services import report_record
from webapp.telemetry.ingest import Outcome, StatsIngest
from webapp.telemetry.policies import StatsUnusable, check_stats
from webapp.telemetry.services import Arrived

UNAUTHORISED, REVOKED, REPLACED, TOO_LARGE, VERSION, TRY_AGAIN = 4401, 4403, 4409, 4413, 4426, 4503
REASON_MAX_BYTES = 123  # RFC 6455, 5.5
MESSAGE_MAX_BYTES = 2**20
PREVIEW_RATE_FPS = 4.0
# Statistics of one box that are on their way into the database, before its socket is read any further.
IN_FLIGHT_MAX = 256
LIVE_AGE_MAX_S = 15.0  # a spool that is caught up with is history, nothing to watch
LIVE_MAX = 16
WATCHED_FOR_S = 8.0  # browsers say every few seconds that they still look

logger = logging.getLogger(__name__)


class BoxConsumer(SocketConsumer):
    """One connection of one box. `box` is None until the credential was accepted."""

    box: Any = None

    def __init__(self, ingest: StatsIngest, database: DatabaseThread) -> None:
        super().__init__()
        self._ingest, self._database = ingest, database
        self._in_flight = asyncio.Semaphore(IN_FLIGHT_MAX)
        self._due: dict[str, int] = {}  # by boot: up to which number to acknowledge
        self._shown: deque[Stats] = deque(maxlen=LIVE_MAX)
        self._has_failed = False
        self._telling: asyncio.Task[None] | None = None
        self._showing: asyncio.Task[None] | None = None
        self._watched_until = 0.0

    async def connect(self) -> None:
        headers = dict(self.scope["headers"])
        try:
            authorization = headers.get(b"authorization", b"").decode("latin-1")
            box = await self._database.run(box_of_header, authorization)
        except CredentialRefused:
            await self.close(UNAUTHORISED)  # before accepting: the box sees status 403
            return
        try:
            require_spoken(headers.get(PROTOCOL_HEADER.lower().encode(), b"").decode("latin-1"))
        except (VersionsApart, ProtocolError) as error:
            reason = str(error)[:REASON_MAX_BYTES]
            await self._database.run(box_refused, box=box, reason=reason)
            await self.accept()  # only then it gets the reason
            await self.close(VERSION, reason)
            return
        self.box = box
        self._cameras: frozenset[str] = frozenset()
        self._watched_until = time.monotonic() + WATCHED_FOR_S  # who looks already says so before that is over
        await self.channel_layer.group_add(box_commands(self.box.id), self.channel_name)
        await self.accept()
        await self._database.run(box_connected, box=self.box, connection=self.channel_name, now=timezone.now())

    async def disconnect(self, code: int) -> None:
        if self.box is None:
            return
        for task in filter(None, (self._telling, self._showing)):
            task.cancel()
        await self.channel_layer.group_discard(box_commands(self.box.id), self.channel_name)
        await self._database.run(box_disconnected, box=self.box, connection=self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if len(text_data or bytes_data or b"") > MESSAGE_MAX_BYTES:
            await self.close(TOO_LARGE)
            return
        try:
            if bytes_data is not None:
                await self._preview(bytes_data)
            elif text_data is not None:
                await self._message(decode_from_box(text_data), len(text_data))
        except ProtocolError as error:
            logger.warning("Box %s: %s", self.box.id, error)

    async def _message(self, message: FromBox, size_bytes: int) -> None:
        if isinstance(message, LogLines):
            said = msgspec.to_builtins(message)
            await live_send(Topic(TopicKind.BOX_LOG, self.box.id), "log", boot=said["boot_id"], lines=said["lines"])
            return
        if isinstance(message, Report):
            await self._database.run(report_record, box=self.box, report=message, now=timezone.now())
            return
        self._show(message)
        await self._in_flight.acquire()
        await self._ingest.put(
            Arrived(self.box.id, message), size_bytes, lambda outcome: self._stored(message, outcome)
        )

    def _stored(self, stats: Stats, outcome: Outcome) -> None:
        self._in_flight.release()
        if self._has_failed:  # an acknowledgement would be one of what is missing too
            return
        if outcome.error is not None:
            self._has_failed = True
            self._due.clear()
            self._telling = asyncio.create_task(self.close(TRY_AGAIN))
            return
        if outcome.problem is not None:
            logger.warning("Box %s: %s", self.box.id, outcome.problem)
        # An unusable message is acknowledged too: the box would send it for ever otherwise.
        self._due[stats.boot_id] = max(stats.seq, self._due.get(stats.boot_id, 0))
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell())

    async def _tell(self) -> None:
        """One at a time and always up to the newest, so that a box that does not listen makes nothing pile up."""
        with contextlib.suppress(OSError, RuntimeError):  # it is gone: it will send again what it hears nothing of
            while self._due:
                due, self._due = self._due, {}
                for boot_id, seq in due.items():
                    await self._send(Ack(boot_id, seq))

    def _show(self, stats: Stats) -> None:
        """To whoever watches. One that is sent again over another connection is shown again."""
        if time.monotonic() >= self._watched_until or time.time() - stats.at >= LIVE_AGE_MAX_S:
            return
        try:
            check_stats(stats)
        except StatsUnusable:  # the ingest tells of it
            return
        self._shown.append(stats)
        if self._showing is None or self._showing.done():
            self._showing = asyncio.create_task(self._show_all())

    async def _show_all(self) -> None:
        while self._shown:
            shown = msgspec.to_builtins(self._shown.popleft())
            await live_send(Topic(TopicKind.BOX, self.box.id), "stats", stats=shown)

    async def _preview(self, content: bytes) -> None:
        head, jpeg = decode_preview(content)
        camera = head.camera
        if camera not in self._cameras:
            self._cameras = await self._database.run(self._camera_ids)
        if camera not in self._cameras:
            raise ProtocolError("A preview is of a camera that is not this box's.")
        if head.answers is not None:
            await self.channel_layer.group_send(camera_plain(camera), {"type": "preview", "content": content})
            return
        await self.channel_layer.group_send(camera_live(camera), {"type": "preview", "content": content})
        await sync_to_async(camera_preview_record)(camera_id=camera, picture=jpeg)

    def _camera_ids(self) -> frozenset[str]:
        return frozenset(
            str(camera_id) for camera_id in Camera.objects.filter(box=self.box).values_list("id", flat=True)
        )

    async def _send(self, message: ToBox) -> None:
        await self.send(text_data=msgspec.json.encode(message).decode())

    # What the server's other processes send to the group of this box's commands.

    async def nudge(self, event: dict[str, Any]) -> None:
        await self._send(Nudge())

    async def preview_wanted(self, event: dict[str, Any]) -> None:
        await self._send(PreviewWanted(event["camera"], event["seconds"], PREVIEW_RATE_FPS, event["is_plain"]))

    async def log_wanted(self, event: dict[str, Any]) -> None:
        await self._send(LogWanted(event["is_whole"]))

    async def watched(self, event: dict[str, Any]) -> None:
        self._watched_until = time.monotonic() + WATCHED_FOR_S

    async def replaced(self, event: dict[str, Any]) -> None:
        if event["by"] != self.channel_name:
            await self.close(REPLACED)

    async def revoked(self, event: dict[str, Any]) -> None:
        await self.close(REVOKED)
