"""Which events and pictures are acceptable, and how long results are kept. Pure: no database."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

from edge_runtime.protocol.messages import EventReport
from webapp.common.errors import InvalidInput
from webapp.results.models import EventKind

COUNTS_KEPT = timedelta(days=400)  # a year can be compared with the one before
EVENTS_KEPT = timedelta(days=14)
EVENTS_PER_CAMERA = 10_000
LABEL_MAX = 100
AHEAD_MAX = timedelta(minutes=1)

_START, _END = b"\xff\xd8", b"\xff\xd9"
_STARTS_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = frozenset(range(0xD0, 0xD9)) | {0x01}


def check_event(report: EventReport, now: datetime) -> None:
    """Raises InvalidInput for what no box that works would send, and for what would be removed at once."""
    if report.kind not in EventKind.values:
        raise InvalidInput(f"An event has a kind of {', '.join(EventKind.values)}, not {report.kind[:40]!r}.")
    if not 0 < len(report.label) <= LABEL_MAX or not report.label.isprintable():
        raise InvalidInput(f"An event is of a class of at most {LABEL_MAX} printable characters.")
    if not 0 <= report.score <= 1:
        raise InvalidInput(f"The score of an event is a fraction, not {report.score}.")
    if report.box is not None and not _is_area(report.box):
        raise InvalidInput("The box of an event is left, top, right, bottom as fractions of the picture.")
    if event_time(report.at, now) < now - EVENTS_KEPT:
        raise InvalidInput(f"The event is older than the {EVENTS_KEPT.days} days that events are kept.")


def event_time(seconds: float, now: datetime) -> datetime:
    """A time of the box's clock. One that runs ahead would stay the newest for ever, so it is cut off."""
    try:
        return min(datetime.fromtimestamp(seconds, tz=UTC), now + AHEAD_MAX)
    except (OverflowError, ValueError, OSError) as error:
        raise InvalidInput(f"The time of the event is no time: {seconds}.") from error


def checked_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise InvalidInput(f"{text[:40]!r} is no id.") from error


def picture_size(content: bytes) -> tuple[int, int]:
    """(width, height) in pixels of a JPEG, whose structure is followed up to its frame. Raises InvalidInput."""
    if content.startswith(_START) and content.rstrip(b"\0").endswith(_END):
        for marker, start in _segments(content):
            if marker in _STARTS_OF_FRAME and start + 7 <= len(content):
                height, width = (int.from_bytes(content[at : at + 2]) for at in (start + 3, start + 5))
                if width and height:
                    return width, height
    raise InvalidInput("The picture is no JPEG.", field="picture")


def _segments(content: bytes) -> Iterator[tuple[int, int]]:
    """(marker, where its length field starts) of each segment before the compressed data. ITU-T T.81, B.1.1."""
    at = len(_START)
    while at + 4 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker in _WITHOUT_LENGTH or marker == 0xFF:
            at += 1 if marker == 0xFF else 2
            continue
        yield marker, at + 2
        at += 2 + int.from_bytes(content[at + 2 : at + 4])


def _is_area(area: tuple[float, float, float, float]) -> bool:
    left, top, right, bottom = area
    return 0 <= left <= right <= 1 and 0 <= top <= bottom <= 1
