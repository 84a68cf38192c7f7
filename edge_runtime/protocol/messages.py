"""Messages on the WebSocket /ws/box (JSON text frames, tagged by "type") and of the box's HTTP reports.

Preview pictures travel as binary frames: see `encode_preview` for their layout.
"""

import msgspec

from edge_runtime.protocol.errors import UNREADABLE, ProtocolError
from edge_runtime.protocol.target import Zone


class MemorySample(msgspec.Struct, frozen=True):
    """Bytes of the compute device. private + shared + activations + overhead + free == budget, always.

    `private`: resident weights that one query uses; `shared`: resident weights that several use, counted once.
    `rss` is the resident set of the whole process, for comparison; it is not part of the sum.
    """

    budget: int
    private: int
    shared: int
    activations: int
    overhead: int
    free: int
    rss: int


class QuerySample(msgspec.Struct, frozen=True):
    """One query over one sampling interval. captured == processed + late + dropped (frames decided in the interval).

    `late` frames ran but missed their deadline; they are lost like `dropped` ones and never count as processed.
    Latency is capture to result, ms, None without a processed frame. `agreement` is the mean agreement of the running
    model with its original over the last `agreement_frames` sampled frames, None where the original itself runs or
    nothing was sampled yet. `counts` is the mean number of objects per processed frame by class (for a classification
    query: the share of frames with that answer).

    `appeared`: objects by class that the tracker saw appear in the interval, each track counted once, when it is
    confirmed (for a classification query: how often the answer changed to that class and stayed). Sums over time are
    counts of objects, which the means of `counts` are not.

    `scored`: right and wrong of each frame that was scored against the original in the interval: twice the true
    positives, and false positives plus false negatives. Accuracy over any frames is the sum of right over both sums.

    `resident`: the share 0..1 of the interval in which all of the model was on the compute device, None from boxes of
    an older version. `swap_ms` is how long execution waited for it to get there.
    """

    query: str
    captured: int
    processed: int
    dropped: int
    late: int
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    swaps: int
    swap_ms: float
    agreement: float | None
    agreement_frames: int
    counts: dict[str, float] = {}
    appeared: dict[str, int] = {}
    scored: tuple[tuple[int, int], ...] = ()
    resident: float | None = None


class CameraSample(msgspec.Struct, frozen=True):
    """`state`: "running", "connecting" or "failed"; `problem` is one sentence, empty while running."""

    camera: str
    state: str
    rate_fps: float
    problem: str = ""


class AcceleratorSample(msgspec.Struct, frozen=True):
    """One GPU of the box. What its driver does not say is None."""

    name: str
    utilisation_percent: float | None = None
    memory_bytes: int | None = None
    memory_used_bytes: int | None = None
    temperature_c: float | None = None
    power_w: float | None = None


class HostSample(msgspec.Struct, frozen=True):
    """The machine that the box runs on, and the box's process, at Unix second `at`. None: unknown there.

    `cpu_percent` of all cores together, 0..100. `disk_bytes` and `disk_free_bytes`: of the disk with the box's state
    folder. `temperature_c`: the hottest sensor. `uptime_s`, `threads`, `descriptors`: of the process.
    """

    at: float
    cpu_percent: float = 0.0
    memory_bytes: int = 0
    memory_available_bytes: int = 0
    disk_bytes: int | None = None
    disk_free_bytes: int | None = None
    temperature_c: float | None = None
    accelerators: tuple[AcceleratorSample, ...] = ()
    uptime_s: float = 0.0
    threads: int = 0
    descriptors: int | None = None


class Stats(msgspec.Struct, frozen=True, tag="stats"):
    """About one a second. `(boot_id, seq)` is unique per box: the server stores it once and acknowledges it.

    `at`: Unix seconds on the box's clock at the end of the interval of `interval_s` seconds. `host` comes every few
    seconds; None in between. `cpu_percent`: of the process, 100 for one core. `samples_dropped`: how many messages this
    box has lost so far, because its spool was full or its disk failed.
    """

    boot_id: str
    seq: int
    at: float
    interval_s: float
    bundle_version: int
    memory: MemorySample
    queries: tuple[QuerySample, ...]
    cameras: tuple[CameraSample, ...] = ()
    cpu_percent: float = 0.0
    host: HostSample | None = None
    samples_dropped: int = 0


class Report(msgspec.Struct, frozen=True, tag="report"):
    """The reported state of the box, sent at connection and on every change.

    `state`: "running", "degraded" or "not at target". `sentence` says why, for a person, one
    line for each reason, the worst first; empty when running.
    `manifest_digest` is what really runs now, "" before the first bundle; `is_confirmed`: it has proved good.
    `bytes_downloaded` for the bundle that was fetched last, since the box started. `refused_digest`: the target's
    bundle, where the box has given it up (it failed in its health window or could not be fetched), else "".
    `camera_reasons`: which lines of `sentence` are about one camera, by its id; an older box says none.
    """

    state: str
    sentence: str
    manifest_digest: str
    bundle_version: int
    bytes_downloaded: int = 0
    is_confirmed: bool = True
    refused_digest: str = ""
    camera_reasons: dict[str, str] = {}


class LogLine(msgspec.Struct, frozen=True):
    """`number` counts the lines of one boot from 1 on; `at`: Unix seconds; `level`: "info", "warning", "error", ..."""

    number: int
    at: float
    level: str
    text: str


class LogLines(msgspec.Struct, frozen=True, tag="log"):
    """Lines of the box's log, oldest first: answer to LogWanted. Nobody keeps them on the server."""

    boot_id: str
    lines: tuple[LogLine, ...]


class Ack(msgspec.Struct, frozen=True, tag="ack"):
    """Server to box: every stats message of `boot_id` up to `seq` is stored."""

    boot_id: str
    seq: int


class Nudge(msgspec.Struct, frozen=True, tag="nudge"):
    """Server to box: fetch your target state now."""


class PreviewWanted(msgspec.Struct, frozen=True, tag="preview_wanted"):
    """Server to box: send annotated preview frames of `camera` for the next `seconds` seconds at `rate_fps`.

    `is_plain`: with nothing drawn on them, and what was found beside them, for whoever draws it. A box of an older
    version sends annotated ones all the same.
    """

    camera: str
    seconds: float
    rate_fps: float = 4.0
    is_plain: bool = False


class PreviewFind(msgspec.Struct, frozen=True):
    """One object, or the answer of a classifier. `box`: xyxy as fractions of the picture, None for classification."""

    label: str
    score: float
    box: tuple[float, float, float, float] | None = None


class PreviewAnswer(msgspec.Struct, frozen=True):
    """What one query found on a plain preview frame. `zone`: (x, y) corners as fractions, () for the whole picture."""

    query: str
    name: str
    finds: tuple[PreviewFind, ...] = ()
    zone: Zone = ()


class PreviewHead(msgspec.Struct, frozen=True, omit_defaults=True):
    """Before a preview's JPEG. `at`: Unix seconds of capture. `answers` is None where they are drawn on the picture."""

    camera: str
    at: float
    answers: tuple[PreviewAnswer, ...] | None = None


class LogWanted(msgspec.Struct, frozen=True, tag="log_wanted"):
    """Server to box: send what is new in your log, or, where somebody begins to look, all of it that you have."""

    is_whole: bool = False


class ProbeResult(msgspec.Struct, frozen=True):
    """Answer to a probe of a camera; POST /api/box/cameras/<camera>/probe as JSON part `probe` + JPEG part `picture`.

    `request` is the number from TargetState.probes. `problem` is one sentence, empty on success.
    """

    request: int
    width: int = 0
    height: int = 0
    rate_fps: float = 0.0
    codec: str = ""
    problem: str = ""


class EventReport(msgspec.Struct, frozen=True):
    """Something that appeared before a camera; POST /api/box/events as JSON part `event` + JPEG part `picture`.

    There is no `picture` where the camera's privacy keeps it on the box.

    `event` is a UUID made by the box: sent again after a lost answer, it is stored once. `kind`: "appeared" (an object,
    detection) or "changed" (a new answer, classification). `at`, `until`: Unix seconds of the stream, the first and the
    last frame it was seen on; `until` is None while unknown. `score` 0..1 is the best. `box`: xyxy as fractions of the
    picture, None for classification. Answer 204: stored, or known already; 4xx: do not send it again.
    """

    event: str
    query: str
    camera: str
    kind: str
    label: str
    at: float
    until: float | None
    score: float
    box: tuple[float, float, float, float] | None = None


class FrameObject(msgspec.Struct, frozen=True):
    """Exact ground truth of one object: `box` is xyxy as fractions of the frame, `occluded` the hidden share 0..1."""

    name: str
    box: tuple[float, float, float, float]
    occluded: float = 0.0


class FrameLabel(msgspec.Struct, frozen=True):
    """One frame of a data set. `objects`/`tags` are None where nothing is known (a real camera).

    A classification label is the one tag that is among the model's classes.
    """

    file: str
    at: float
    objects: tuple[FrameObject, ...] | None = None
    tags: tuple[str, ...] | None = None


class FrameIndex(msgspec.Struct, frozen=True):
    """frames.json of a data set: frames in order of time. `source` says who labelled: "scene", "people" or ""."""

    frames: tuple[FrameLabel, ...]
    source: str = ""


FromBox = Stats | Report | LogLines
ToBox = Ack | Nudge | PreviewWanted | LogWanted


def decode_from_box(content: str | bytes) -> FromBox:
    try:
        message: FromBox = msgspec.json.decode(content, type=FromBox)
    except UNREADABLE as error:
        raise ProtocolError(f"A message from the box cannot be read: {error}") from error
    return message


def decode_to_box(content: str | bytes) -> ToBox:
    try:
        message: ToBox = msgspec.json.decode(content, type=ToBox)
    except UNREADABLE as error:
        raise ProtocolError(f"A message from the server cannot be read: {error}") from error
    return message


def encode_preview(camera: str, at: float, jpeg: bytes, answers: tuple[PreviewAnswer, ...] | None = None) -> bytes:
    """Binary frame: one JSON line, a PreviewHead, a newline, then the JPEG."""
    return msgspec.json.encode(PreviewHead(camera, at, answers)) + b"\n" + jpeg


def decode_preview(content: bytes) -> tuple[PreviewHead, bytes]:
    """(head, JPEG bytes). Raises ProtocolError."""
    head, separator, jpeg = content.partition(b"\n")
    try:
        fields = msgspec.json.decode(head, type=PreviewHead)
    except UNREADABLE as error:
        raise ProtocolError(f"A preview from the box cannot be read: {error}") from error
    if not separator or not jpeg.startswith(b"\xff\xd8"):
        raise ProtocolError("A preview from the box holds no JPEG picture.")
    return fields, jpeg
