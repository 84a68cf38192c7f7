"""What a box found out about a camera, in words for whoever adds it: what may get in the way, what would help. Pure.

Only what was measured counts: a camera that was not looked at, or gives no picture, is warned of nothing.
"""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from webapp.fleets.models import Camera

LARGE_PX = 1920 * 1088  # a full-HD picture, whose height some cameras round up
SMALL_PX = 320 * 240
SLOW_FPS, FAST_FPS = 2.0, 30.5


def camera_warnings(camera: Camera) -> tuple[str, ...]:
    """One sentence or two each, what matters most first."""
    if not camera.width or camera.probe_problem:
        return ()
    return (*_of_rate(camera.rate_fps), *_of_size(camera), *_of_codec(camera.codec))


def _of_rate(rate_fps: float) -> Iterator[str]:
    if not rate_fps:
        yield _("It does not say how many frames it gives, so the box takes what comes.")
    elif rate_fps < SLOW_FPS:
        yield _("It gives only %(rate)s frames/s: no query gets more, and what is quick may be missed.") % {
            "rate": f"{rate_fps:.1f}"
        }
    elif rate_fps > FAST_FPS:
        yield _(
            "It gives %(rate)s frames/s, and the box decodes all of them. A lower rate in the camera’s own settings "
            "spares it work."
        ) % {"rate": f"{rate_fps:.0f}"}


def _of_size(camera: Camera) -> Iterator[str]:
    size, pixels = {"size": f"{camera.width} × {camera.height}"}, camera.width * camera.height
    if pixels > LARGE_PX:
        yield (
            _(
                "Its pictures are large (%(size)s): the box decodes all of it, and models look at far smaller ones. "
                "The camera’s second stream, if it has one, spares it work."
            )
            % size
        )
    elif pixels < SMALL_PX:
        yield _("Its pictures are small (%(size)s): what is far away may be too small to be found.") % size


def _of_codec(codec: str) -> Iterator[str]:
    if codec == "hevc":
        yield _(
            "It sends H.265, which takes more work to decode than H.264. If the box falls behind, choose H.264 in the "
            "camera’s own settings."
        )
    elif codec == "mjpeg":
        yield _(
            "It sends MJPEG, every picture by itself: far more network traffic than H.264. Choose H.264 in the "
            "camera’s own settings if it offers it."
        )
