"""Sentences about cameras: they say what to do and never hold a password."""

import errno

import av
import pytest

from edge_runtime.video.capture import file_path
from edge_runtime.video.problems import capture_problem

CAMERA = "rtsp://admin:s3cret@cam.example/live"


def failure(kind, number=0):
    """As PyAV raises it: with the whole address, password included, in its text."""
    return kind(number, "some reason", CAMERA)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (failure(av.HTTPUnauthorizedError), "refuses the user name or password"),
        (failure(av.HTTPNotFoundError), "knows no stream"),
        (failure(av.InvalidDataError), "no video that can be read"),
        (failure(av.ConnectionRefusedError, errno.ECONNREFUSED), "refuses connections"),
        (failure(av.TimeoutError, errno.ETIMEDOUT), "does not answer"),
        (failure(av.ExitError), "does not answer"),
        (failure(av.OSError, errno.EIO), "cannot be reached"),
        (failure(av.UnknownError), "cannot be reached"),
    ],
)
def test_each_failure_has_one_sentence_without_the_password(error, words):
    sentence = capture_problem(error, CAMERA)
    assert words in sentence
    assert "***@cam.example" in sentence
    assert "s3cret" not in sentence
    assert "admin" not in sentence


def test_a_busy_device_and_a_missing_one_are_told_apart():
    assert "Another program uses" in capture_problem(OSError(errno.EBUSY, "busy"), "/dev/video0")
    assert "There is no /dev/video7" in capture_problem(
        OSError(errno.ENODEV, "gone"), "v4l2:///dev/video7".removeprefix("v4l2://")
    )


def test_a_file_address_may_be_a_path_or_a_url():
    assert str(file_path("file:///films/two%20cars.mp4")) == "/films/two cars.mp4"
    assert str(file_path("/films/50%20.mp4")) == "/films/50%20.mp4"
