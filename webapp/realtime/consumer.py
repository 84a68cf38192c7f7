"""What both kinds of WebSocket have in common, a browser's and a box's."""

from typing import Any

from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer


class SocketConsumer(AsyncWebsocketConsumer):
    """Must use the database only by DatabaseThread or database_sync_to_async, which look after their connections."""

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Without Channels' look for old connections before every message. That is a way into another thread and back,
        into the one thread of all sockets: behind whatever a page's rights are looked up with just then."""
        await getattr(self, get_handler_name(message))(message)
