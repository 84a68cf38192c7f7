"""What a camera's pictures may get in the way of, in words."""

import pytest

from webapp.fleets.advice import camera_warnings
from webapp.fleets.models import Camera


def found(**probed) -> tuple[str, ...]:
    return camera_warnings(Camera(**({"width": 1280, "height": 720, "rate_fps": 25.0, "codec": "h264"} | probed)))


def test_an_ordinary_camera_is_warned_of_nothing():
    assert found() == found(width=1920, height=1088, rate_fps=30.0) == ()


@pytest.mark.parametrize(
    ("probed", "beginning"),
    [
        ({"rate_fps": 0.0}, "It does not say how many frames"),
        ({"rate_fps": 1.0}, "It gives only 1.0 frames/s"),
        ({"rate_fps": 60.0}, "It gives 60 frames/s"),
        ({"width": 3840, "height": 2160}, "Its pictures are large (3840 × 2160)"),
        ({"width": 160, "height": 120}, "Its pictures are small (160 × 120)"),
        ({"codec": "hevc"}, "It sends H.265"),
        ({"codec": "mjpeg"}, "It sends MJPEG"),
    ],
)
def test_says_what_may_get_in_the_way(probed, beginning):
    (warning,) = found(**probed)
    assert warning.startswith(beginning)


def test_says_nothing_of_what_was_not_measured():
    assert found(width=0, height=0, rate_fps=0.0, codec="") == ()
    assert found(rate_fps=1.0, probe_problem="It answers nothing.") == ()
