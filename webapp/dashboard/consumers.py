"""/ws/live: what a browser looks at, as it changes. It only listens; see docs/architecture.md, "Live updates"."""

import asyncio
import json
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async
from django.contrib.auth import HASH_SESSION_KEY

from webapp.common.errors import NotFound
from webapp.fleets.selectors import box_get, camera_get, site_get
from webapp.merges.selectors import merge_run_list
from webapp.realtime.consumer import SocketConsumer
from webapp.realtime.groups import box_commands, person_live
from webapp.realtime.topics import Topic, TopicKind, parse_topic
from webapp.rollouts.selectors import rollout_get

TOPICS_MAX = 64
MESSAGE_MAX = 16_384
PREVIEW_ASKED_EVERY_S = 3.0
PREVIEW_WANTED_FOR_S = 8.0
RIGHTS_CHECKED_EVERY_S = 60.0
_PICTURES = (TopicKind.CAMERA, TopicKind.CAMERA_PLAIN)
UNAUTHORISED, NO_LONGER = 4401, 4403


class LiveConsumer(SocketConsumer):
    """One page of one person. `topics` are those it subscribed to; `asking` tells boxes, and their connections,
    that somebody watches, so that nothing is sent for nobody.

    Who loses a role, an account or the session loses what is open too: at once where a message says so, and within
    RIGHTS_CHECKED_EVERY_S where that message was lost.
    """

    async def connect(self) -> None:
        self.person = self.scope["user"]
        self.topics: set[Topic] = set()
        self.watched: dict[Topic, UUID] = {}  # of cameras -> box
        self.asking: asyncio.Task[None] | None = None
        self.checking: asyncio.Task[None] | None = None
        if not self.person.is_authenticated:
            await self.close(UNAUTHORISED)
            return
        await self.channel_layer.group_add(person_live(self.person.id), self.channel_name)
        await self.accept()
        self.checking = asyncio.create_task(self._keep_checking())

    async def disconnect(self, code: int) -> None:
        for task in filter(None, (self.asking, self.checking)):
            task.cancel()
        if self.checking is not None:
            await self.channel_layer.group_discard(person_live(self.person.id), self.channel_name)
        for topic in self.topics:
            await self.channel_layer.group_discard(topic.group, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        wanted = _parse(text_data)
        if wanted is None:
            await self._error("", 'Send {"subscribe": [topics]} or {"unsubscribe": [topics]}.')
            return
        for name in wanted["unsubscribe"]:
            await self._unsubscribe(parse_topic(name))
        for name in wanted["subscribe"]:
            await self._subscribe(name)

    async def _subscribe(self, name: Any) -> None:
        topic = parse_topic(name)
        if topic is None:
            await self._error(str(name)[:100], "There is no such topic.")
            return
        if topic in self.topics:
            return
        if len(self.topics) >= TOPICS_MAX:
            await self._error(str(topic), f"A page can watch {TOPICS_MAX} topics at once.")
            return
        try:
            box_id = await database_sync_to_async(_allowed)(self.person, topic)
        except NotFound as error:
            await self._error(str(topic), str(error))
            return
        self.topics.add(topic)
        await self.channel_layer.group_add(topic.group, self.channel_name)
        if topic.kind in _PICTURES:
            self.watched[topic] = box_id
            await self._ask(topic)
        elif topic.kind is TopicKind.BOX:
            await self._watch(topic.id)
        elif topic.kind is TopicKind.BOX_LOG:
            await self._ask_for_log(topic.id, is_whole=True)
        if topic.kind in (*_PICTURES, TopicKind.BOX, TopicKind.BOX_LOG):
            self.asking = self.asking or asyncio.create_task(self._keep_asking())

    async def _unsubscribe(self, topic: Topic | None) -> None:
        if topic is None or topic not in self.topics:
            return
        self.topics.discard(topic)
        self.watched.pop(topic, None)
        await self.channel_layer.group_discard(topic.group, self.channel_name)

    async def _keep_asking(self) -> None:
        """Pictures, figures and lines of a log come only while a page asks, so that a closed browser costs nothing."""
        while True:
            await asyncio.sleep(PREVIEW_ASKED_EVERY_S)
            for topic in list(self.watched):
                await self._ask(topic)
            for topic in list(self.topics):
                if topic.kind is TopicKind.BOX:
                    await self._watch(topic.id)
                elif topic.kind is TopicKind.BOX_LOG:
                    await self._ask_for_log(topic.id)

    async def _keep_checking(self) -> None:
        while True:
            await asyncio.sleep(RIGHTS_CHECKED_EVERY_S)
            await self._check_rights()

    async def _check_rights(self) -> None:
        if not await database_sync_to_async(_is_signed_in)(self.person, self.scope.get("session")):
            await self.close(NO_LONGER)
            return
        for topic in list(self.topics):
            try:
                await database_sync_to_async(_allowed)(self.person, topic)
            except NotFound as error:
                await self._unsubscribe(topic)
                await self._error(str(topic), str(error))

    async def _watch(self, box_id: UUID) -> None:
        await self.channel_layer.group_send(box_commands(box_id), {"type": "watched"})

    async def _ask_for_log(self, box_id: UUID, *, is_whole: bool = False) -> None:
        await self.channel_layer.group_send(box_commands(box_id), {"type": "log_wanted", "is_whole": is_whole})

    async def _ask(self, topic: Topic) -> None:
        """A page that draws by itself needs no second picture of the same camera."""
        is_plain = topic.kind is TopicKind.CAMERA_PLAIN
        if not is_plain and Topic(TopicKind.CAMERA_PLAIN, topic.id) in self.watched:
            return
        wanted = {"type": "preview_wanted", "camera": str(topic.id), "seconds": PREVIEW_WANTED_FOR_S}
        await self.channel_layer.group_send(box_commands(self.watched[topic]), {**wanted, "is_plain": is_plain})

    async def _error(self, topic: str, message: str) -> None:
        await self.send(text_data=json.dumps({"topic": topic, "kind": "error", "message": message}))

    # What arrives from the groups of the topics.

    async def rights_changed(self, event: dict[str, Any]) -> None:
        await self._check_rights()

    async def live(self, event: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps(event["message"]))

    async def preview(self, event: dict[str, Any]) -> None:
        await self.send(bytes_data=event["content"])


def _parse(text: str | None) -> dict[str, list[Any]] | None:
    """The two lists of a message, or None when it is not such a message."""
    try:
        message = json.loads(text) if text and len(text) <= MESSAGE_MAX else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(message, dict):
        return None
    lists = {key: message.get(key, []) for key in ("subscribe", "unsubscribe")}
    is_usable = all(isinstance(topics, list) for topics in lists.values()) and any(lists.values())
    return lists if is_usable else None


def _is_signed_in(person: Any, session: Any | None) -> bool:
    """Whether the account is on and, where the page came with a session, that is still there and of this password."""
    person.refresh_from_db()
    if session is None:
        return bool(person.is_active)
    # Channels wraps the session, and type() would name the wrapper.
    kept = session.__class__(session.session_key)
    return bool(person.is_active) and kept.get(HASH_SESSION_KEY) == person.get_session_auth_hash()


def _allowed(person: Any, topic: Topic) -> UUID:
    """Raises NotFound unless `person` sees the topic's subject. Returns the box of a camera, else the topic's id."""
    if topic.kind in _PICTURES:
        box_id: UUID = camera_get(person, topic.id).box_id
        return box_id
    if topic.kind in (TopicKind.BOX, TopicKind.BOX_LOG):
        box_get(person, topic.id)
    elif topic.kind is TopicKind.SITE:
        site_get(person, topic.id)
    elif topic.kind is TopicKind.ROLLOUT:
        rollout_get(person, topic.id)
    elif not merge_run_list(person).filter(id=topic.id).exists():
        raise NotFound("There is no such merge run.")
    return topic.id
