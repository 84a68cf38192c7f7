"""Topics that browsers subscribe to ("box:<id>"), the Channels groups behind them, and sending to them."""

import enum
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from webapp.realtime import groups
from webapp.realtime.publish import publish, publish_on_commit, send


class TopicKind(enum.StrEnum):
    BOX = "box"
    BOX_LOG = "box-log"
    CAMERA = "camera"
    CAMERA_PLAIN = "camera-plain"
    MERGE_RUN = "merge-run"
    ROLLOUT = "rollout"
    SITE = "site"


_GROUPS = {
    TopicKind.BOX: groups.box_live,
    TopicKind.BOX_LOG: groups.box_log,
    TopicKind.CAMERA: groups.camera_live,
    TopicKind.CAMERA_PLAIN: groups.camera_plain,
    TopicKind.MERGE_RUN: groups.merge_run_live,
    TopicKind.ROLLOUT: groups.rollout_live,
    TopicKind.SITE: groups.site_live,
}


@dataclass(frozen=True)
class Topic:
    kind: TopicKind
    id: UUID

    @property
    def group(self) -> str:
        return _GROUPS[self.kind](self.id)

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


def parse_topic(text: object) -> Topic | None:
    """The topic named by `text`, or None when there is no such kind of topic or the id is no id."""
    kind, separator, identity = text.partition(":") if isinstance(text, str) else ("", "", "")
    try:
        return Topic(TopicKind(kind), UUID(identity)) if separator else None
    except ValueError:
        return None


def live_publish(topic: Topic, kind: str, **fields: Any) -> None:
    """Sends {"topic", "kind", **fields} to every browser that subscribed to `topic`, now."""
    publish(topic.group, "live", {"message": _message(topic, kind, fields)})


async def live_send(topic: Topic, kind: str, **fields: Any) -> None:
    """As live_publish, from an event loop."""
    await send(topic.group, "live", {"message": _message(topic, kind, fields)})


def live_publish_on_commit(topic: Topic, kind: str, **fields: Any) -> None:
    publish_on_commit(topic.group, "live", {"message": _message(topic, kind, fields)})


def site_changed(site_id: UUID, what: str, subject_id: UUID) -> None:
    """On commit, tells pages of the site that a `what` ("box", "camera", "query", ...) changed, so they refetch."""
    live_publish_on_commit(Topic(TopicKind.SITE, site_id), "changed", what=what, id=str(subject_id))


def _message(topic: Topic, kind: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {"topic": str(topic), "kind": kind, **fields}
