"""Sending to Channels groups. At most once: nothing that must arrive goes only this way."""

import logging
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)


def publish(group: str, kind: str, payload: dict[str, Any]) -> None:
    """Sends {"type": kind, **payload} to the consumers of `group` now; a consumer method named like `kind` gets it."""
    try:
        async_to_sync(get_channel_layer().group_send)(group, {"type": kind, **payload})
    except (RedisError, OSError) as error:
        logger.warning("Live update to %s was lost: %s", group, error)


async def send(group: str, kind: str, payload: dict[str, Any]) -> None:
    """As publish, from an event loop."""
    try:
        await get_channel_layer().group_send(group, {"type": kind, **payload})
    except (RedisError, OSError) as error:
        logger.warning("Live update to %s was lost: %s", group, error)


def publish_on_commit(group: str, kind: str, payload: dict[str, Any]) -> None:
    transaction.on_commit(lambda: publish(group, kind, payload))
