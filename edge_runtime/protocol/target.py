"""The target state of a box: what the server wants it to run. The box fetches it over HTTP with an ETag.

The WebSocket only nudges the box to fetch; this state alone decides.
"""

import enum

import msgspec

# A polygon: its corners in order, x before y, as fractions of the picture from its upper left. Empty: all of it.
Zone = tuple[tuple[float, float], ...]
SAMPLE_EVERY_S = 2.0


class Privacy(enum.StrEnum):
    """What may leave the box as pictures. OFF: nothing. BLURRED: people are blurred. FULL: as captured."""

    OFF = "off"
    BLURRED = "blurred"
    FULL = "full"


class CameraTarget(msgspec.Struct, frozen=True):
    """A camera of this box. `source` may carry a password: never log it (protocol.sources.redact_source)."""

    camera: str
    name: str
    source: str
    privacy: Privacy = Privacy.FULL


class QueryTarget(msgspec.Struct, frozen=True):
    """One query: the bundle slot it runs, on which camera, for which classes, how often and how fresh.

    `objects` is a subset of the slot's classes. A result later than `deadline_ms` after capture is late, hence lost.
    `priority`: how many frames of an ordinary query one of its frames counts as, when not all can be met.
    `zone`: only objects that stand in it count; for detection queries. `sample_every_s`: how far apart, on average, the
    frames are on which a merged model is compared with its original, when there is time for it; 0: never.
    """

    query: str
    name: str
    slot: str
    camera: str
    objects: tuple[str, ...]
    rate_fps: float
    deadline_ms: int
    accuracy_target: float
    priority: float = 1.0
    zone: Zone = ()
    sample_every_s: float = SAMPLE_EVERY_S


class FrameRequest(msgspec.Struct, frozen=True):
    """Frames wanted for a data set: `count` frames spread over `span_s` seconds from when the box sees this."""

    request: str
    camera: str
    count: int
    span_s: float


class BundleTarget(msgspec.Struct, frozen=True):
    """`attempt` grows when a person has a bundle tried again that the box has given up."""

    manifest_digest: str
    version: int
    attempt: int = 0


class TargetState(msgspec.Struct, frozen=True):
    """Everything wanted of one box. `probes` maps a camera to the request number to answer with a picture.

    `renew_credential`: the box should fetch a new credential (protocol.enrolment.CredentialReply).
    `health_window_s`: how long a new bundle has to run well before the box trusts it.
    """

    box: str
    bundle: BundleTarget | None
    cameras: tuple[CameraTarget, ...] = ()
    queries: tuple[QueryTarget, ...] = ()
    frame_requests: tuple[FrameRequest, ...] = ()
    probes: dict[str, int] = {}
    renew_credential: bool = False
    poll_s: float = 10.0
    health_window_s: float = 60.0
