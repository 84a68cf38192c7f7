import logging
from collections.abc import Iterator

import pytest

from edge_runtime.health.log_tail import LogTail


@pytest.fixture
def tail() -> Iterator[LogTail]:
    tail = LogTail(kept=3)
    logger().addHandler(tail)
    yield tail
    logger().removeHandler(tail)


def logger() -> logging.Logger:
    return logging.getLogger("tests.log_tail")


def test_keeps_the_newest_lines_with_their_numbers(tail: LogTail) -> None:
    for number in range(5):
        logger().warning("line %d", number)
    assert [(line.number, line.level, line.text) for line in tail.lines(after=3)] == [
        (4, "warning", "line 3"),
        (5, "warning", "line 4"),
    ]
    assert len(tail.lines(after=0)) == 3


def test_says_what_went_wrong_without_passwords(tail: LogTail) -> None:
    try:
        raise OSError("no answer from rtsp://ada:secret@camera/1")
    except OSError:
        logger().exception("The camera rtsp://ada:secret@camera/1 is away.")
    (line,) = tail.lines(after=0)
    assert line.text == "The camera rtsp://***@camera/1 is away. (OSError: no answer from rtsp://***@camera/1)"


def test_a_line_is_cut_and_a_wrong_one_left_out(tail: LogTail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    logger().error("%d", "no number")
    logger().error("x" * 5000)
    assert [len(line.text) for line in tail.lines(after=0)] == [1000]
