"""Live looks at cameras: who wants one and when the next picture is due, and what that picture is."""

import time
from collections.abc import Callable

from edge_runtime.agent.pictures import PREVIEW_QUALITY, jpeg, narrowed
from edge_runtime.agent.privacy import cleared_for_look
from edge_runtime.answers.results import Result
from edge_runtime.protocol.messages import PreviewWanted, encode_preview
from edge_runtime.protocol.target import Privacy
from edge_runtime.vision.spec import Detections, Frame

# Answers older than this belong to a scene that has moved on.
FRESH_S = 2.0
_MAX_RATE_FPS = 15.0


class PreviewDesk:
    """Previews are sent only while somebody looks. `clock`: monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wanted: dict[str, tuple[float, float]] = {}  # camera -> (until, rate)
        self._due: dict[str, float] = {}

    def want(self, wish: PreviewWanted) -> None:
        rate = min(max(wish.rate_fps, 0.1), _MAX_RATE_FPS)
        self._wanted[wish.camera] = (self._clock() + wish.seconds, rate)

    def rates(self) -> dict[str, float]:
        """Frames a second wanted now, by camera."""
        now = self._clock()
        self._wanted = {camera: wish for camera, wish in self._wanted.items() if wish[0] > now}
        return {camera: rate for camera, (_, rate) in self._wanted.items()}

    def due(self) -> list[str]:
        """Cameras whose next picture is due; each is named once per period."""
        now, rates = self._clock(), self.rates()
        self._due = {camera: at for camera, at in self._due.items() if camera in rates}
        cameras = []
        for camera, rate in rates.items():
            if now >= self._due.get(camera, 0.0):
                self._due[camera] = now + 1 / rate
                cameras.append(camera)
        return cameras


def frame_to_show(latest: Frame | None, results: tuple[Result, ...]) -> Frame | None:
    """The frame that boxes were found on, so that they sit where the objects are; else the newest one."""
    for result in results:
        if isinstance(result.prediction, Detections):
            return result.frame
    return results[0].frame if results else latest


def preview_message(camera: str, privacy: Privacy, latest: Frame | None, results: tuple[Result, ...]) -> bytes | None:
    """The binary message with the annotated picture; None where there is nothing that may be shown.

    `results`: fresh answers on this camera, newest first. Call it off the event loop: it draws and compresses.
    """
    look = preview_picture(privacy, latest, results)
    return encode_preview(camera, *look) if look else None


def preview_picture(privacy: Privacy, latest: Frame | None, results: tuple[Result, ...]) -> tuple[float, bytes] | None:
    """(Unix seconds of the frame, annotated JPEG), as for `preview_message`."""
    frame = frame_to_show(latest, results)
    image = cleared_for_look(privacy, frame, results) if frame else None
    if frame is None or image is None:
        return None
    # Here, because supervision takes a second to import and most boxes are seldom looked at.
    from edge_runtime.agent.annotation import annotated

    picture = annotated(narrowed(image), results)
    return frame.at, jpeg(picture, quality=PREVIEW_QUALITY)
