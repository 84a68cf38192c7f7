"""How a box is doing, on two axes: can the server hear it, and does it run what it should. Pure."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils.translation import gettext

HEARD_WITHIN = timedelta(seconds=10)
OFFLINE_AFTER = timedelta(seconds=60)


class Connection(enum.StrEnum):
    """STALE: it should be connected, or was a moment ago, but says nothing."""

    CONNECTED = "connected"
    STALE = "stale"
    OFFLINE = "offline"
    NOT_ENROLLED = "not enrolled"


class State(enum.StrEnum):
    RUNNING = "running"
    DEGRADED = "degraded"
    NOT_AT_TARGET = "not at target"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class BoxStatus:
    """`since`: when the box was last heard, None if never. `sentence` says what is wrong, one line a reason, the
    worst first, "" if nothing.

    `is_pending`: its newest bundle is not what it runs; `has_refused` it: the box has given it up by itself.
    `lost`: what was measured of frames it loses, "" where these are few; `is_losing`: that is one of the reasons.
    `camera_reasons`: those about one camera, by its id.
    """

    connection: Connection
    state: State
    sentence: str
    since: datetime | None
    is_pending: bool = False
    has_refused: bool = False
    is_losing: bool = False
    lost: str = ""
    camera_reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def reasons(self) -> list[str]:
        return self.sentence.splitlines()


@dataclass(frozen=True)
class Facts:
    """`state`, `sentence`, `camera_reasons`, `runs`, `refused`: last report; `wanted`: digest of its
    newest bundle. "" for none.

    `refusal`: why the server did not let it connect, "" where it did. `lost`: what was measured of frames it loses,
    "" where these are few. A box does not tell by itself: it has no word for what is too many.
    """

    is_enrolled: bool
    is_connected: bool
    last_seen_at: datetime | None
    state: str
    sentence: str
    runs: str
    runs_version: int
    wanted: str
    wanted_version: int
    refused: str = ""
    refusal: str = ""
    lost: str = ""
    camera_reasons: Mapping[str, str] | None = None


def status_of(facts: Facts, now: datetime) -> BoxStatus:
    connection = _connection(facts, now)
    state, sentence = _state(facts)
    if connection is Connection.NOT_ENROLLED:
        state, sentence = State.UNKNOWN, gettext("No machine has joined as this box: use a join code on one.")
    elif connection is Connection.OFFLINE:
        sentence = facts.refusal or gettext("The server hears nothing from this box; it goes on with what it last got.")
    return BoxStatus(
        connection,
        state,
        sentence,
        facts.last_seen_at,
        is_pending=facts.wanted != facts.runs,
        has_refused=bool(facts.wanted) and facts.refused == facts.wanted,
        is_losing=bool(facts.lost) and facts.lost in sentence,
        lost=facts.lost,
        camera_reasons=facts.camera_reasons or {},
    )


def _connection(facts: Facts, now: datetime) -> Connection:
    if not facts.is_enrolled:
        return Connection.NOT_ENROLLED
    if facts.last_seen_at is None or now - facts.last_seen_at > OFFLINE_AFTER:
        return Connection.OFFLINE
    heard = now - facts.last_seen_at <= HEARD_WITHIN
    return Connection.CONNECTED if facts.is_connected and heard else Connection.STALE


def _on_its_way(facts: Facts) -> str:
    words = (
        gettext("It runs bundle %(runs)s; bundle %(wanted)s is on its way.")
        if facts.runs
        else gettext("It runs no bundle; bundle %(wanted)s is on its way.")
    )
    return words % {"runs": facts.runs_version, "wanted": facts.wanted_version}


def _state(facts: Facts) -> tuple[State, str]:
    if not facts.state:
        return State.UNKNOWN, gettext("The box has not reported what it runs yet.")
    if facts.runs != facts.wanted:
        return State.NOT_AT_TARGET, _lines(facts.sentence or _on_its_way(facts), facts.lost)
    try:
        state = State(facts.state)
    except ValueError:
        state = State.UNKNOWN
    if state is State.RUNNING and facts.lost:
        state = State.DEGRADED
    first = (facts.lost, facts.sentence) if state is State.DEGRADED else (facts.sentence, facts.lost)
    return state, _lines(*first)


def _lines(*reasons: str) -> str:
    return "\n".join(filter(None, reasons))
