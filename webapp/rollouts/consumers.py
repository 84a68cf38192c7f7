"""/ws/box: telemetry and pictures from a box, nudges to it. It may vanish at any time: the truth goes over HTTP."""

import logging
from typing import Any

import msgspec
from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.utils import timezone

from edge_runtime.protocol.errors import ProtocolError
from edge_runtime.protocol.messages import (
    Ack,
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
from webapp.fleets.api import CredentialRefused, box_of_header, require_spoken
from webapp.fleets.models import Camera
from webapp.fleets.services import box_connected, box_disconnected, camera_preview_record
from webapp.realtime.groups import box_commands, camera_live
from webapp.rollouts.services import report_record
from webapp.telemetry.policies import StatsUnusable
from webapp.telemetry.services import stats_record

UNAUTHORISED, REVOKED, REPLACED, TOO_LARGE, VERSION = 4401, 4403, 4409, 4413, 4426
REASON_MAX_BYTES = 123  # RFC 6455, 5.5
MESSAGE_MAX_BYTES = 2**20
PREVIEW_RATE_FPS = 4.0

logger = logging.getLogger(__name__)


class BoxConsumer(AsyncWebsocketConsumer):
    """One connection of one box. `box` is None until the credential was accepted."""

    box: Any = None

    async def connect(self) -> None:
        headers = dict(self.scope["headers"])
        try:
            box = await database_sync_to_async(box_of_header)(headers.get(b"authorization", b"").decode("latin-1"))
            require_spoken(headers.get(PROTOCOL_HEADER.lower().encode(), b"").decode("latin-1"))
        except CredentialRefused:
            await self.close(UNAUTHORISED)  # before accepting: the box sees status 403
            return
        except (VersionsApart, ProtocolError) as error:
            await self.accept()  # only then it gets the reason
            await self.close(VERSION, str(error)[:REASON_MAX_BYTES])
            return
        self.box = box
        self._cameras: frozenset[str] = frozenset()
        await self.channel_layer.group_add(box_commands(self.box.id), self.channel_name)
        await self.accept()
        await database_sync_to_async(box_connected)(box=self.box, connection=self.channel_name, now=timezone.now())

    async def disconnect(self, code: int) -> None:
        if self.box is None:
            return
        await self.channel_layer.group_discard(box_commands(self.box.id), self.channel_name)
        await database_sync_to_async(box_disconnected)(box=self.box, connection=self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if len(text_data or bytes_data or b"") > MESSAGE_MAX_BYTES:
            await self.close(TOO_LARGE)
            return
        try:
            if bytes_data is not None:
                await self._preview(bytes_data)
            elif text_data is not None:
                await self._message(decode_from_box(text_data))
        except ProtocolError as error:
            logger.warning("Box %s: %s", self.box.id, error)

    async def _message(self, message: Stats | Report) -> None:
        if isinstance(message, Report):
            await database_sync_to_async(report_record)(box=self.box, report=message, now=timezone.now())
            return
        try:
            await database_sync_to_async(stats_record)(box=self.box, stats=message, now=timezone.now())
        except StatsUnusable as error:
            logger.warning("Box %s: %s", self.box.id, error)
        # An unusable message is acknowledged too: the box would send it for ever otherwise.
        await self._send(Ack(message.boot_id, message.seq))

    async def _preview(self, content: bytes) -> None:
        camera, _, jpeg = decode_preview(content)
        if camera not in self._cameras:
            self._cameras = await database_sync_to_async(self._camera_ids)()
        if camera not in self._cameras:
            raise ProtocolError("A preview is of a camera that is not this box's.")
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
        await self._send(PreviewWanted(event["camera"], event["seconds"], PREVIEW_RATE_FPS))

    async def replaced(self, event: dict[str, Any]) -> None:
        if event["by"] != self.channel_name:
            await self.close(REPLACED)

    async def revoked(self, event: dict[str, Any]) -> None:
        await self.close(REVOKED)
