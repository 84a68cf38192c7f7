"""Which events and pictures are taken."""

import io
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from PIL import Image

from edge_runtime.protocol.messages import EventReport
from webapp.common.errors import InvalidInput
from webapp.results.policies import check_event, event_time, picture_size

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
REPORT = EventReport("e", "q", "c", "appeared", "car", NOW.timestamp(), None, 0.9, (0.1, 0.2, 0.3, 0.4))


def jpeg(width: int, height: int, **options: object) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (width, height)).save(written, "JPEG", **options)
    return written.getvalue()


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"comment": b"c" * 300}])
def test_the_size_is_what_the_writer_of_the_picture_says(options: dict) -> None:
    assert picture_size(jpeg(70, 40, **options)) == (70, 40)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xd8\xff\xd9",
        b"<svg/>",
        b"\x89PNG\r\n\x1a\n",
        jpeg(8, 8)[:-2],
        b"\xff\xd8" + b"<script>" * 9 + b"\xff\xd9",
        b"\xff\xd8\xff\xe0\x00\x00\xff\xd9",
    ],
)
def test_what_only_starts_like_a_jpeg_is_none(content: bytes) -> None:
    with pytest.raises(InvalidInput, match="no JPEG"):
        picture_size(content)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "vanished"}, "kind of appeared, changed"),
        ({"label": ""}, "class"),
        ({"label": "a\0b"}, "class"),
        ({"score": 1.5}, "score"),
        ({"box": (0.5, 0.2, 0.3, 0.4)}, "left, top, right, bottom"),
        ({"box": (0.1, 0.2, 0.3, 1.4)}, "left, top, right, bottom"),
        ({"at": (NOW - timedelta(days=15)).timestamp()}, "older than the 14 days"),
        ({"at": 1e18}, "no time"),
    ],
)
def test_what_no_box_reports_is_refused_in_a_sentence(change: dict, words: str) -> None:
    check_event(REPORT, NOW)
    with pytest.raises(InvalidInput, match=words):
        check_event(msgspec.structs.replace(REPORT, **change), NOW)


def test_a_clock_that_runs_ahead_does_not_keep_an_event_on_top() -> None:
    assert event_time((NOW + timedelta(days=3)).timestamp(), NOW) == NOW + timedelta(minutes=1)
