"""Live looks at cameras: who wants one and when the next picture is due, and what that picture is."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edge_runtime.agent.finds import answers_of
from edge_runtime.agent.pictures import PREVIEW_QUALITY, jpeg, narrowed
from edge_runtime.agent.privacy import cleared_for_look
from edge_runtime.answers.results import Result
from edge_runtime.protocol.messages import PreviewWanted, encode_preview
from edge_runtime.protocol.target import Privacy
from edge_runtime.vision.spec import Detections, Frame

# Answers older than this belong to a scene that has moved on.
FRESH_S = 2.0
_MAX_RATE_FPS = 15.0


@dataclass(frozen=True)
class Look:
    """At a camera; `is_plain`: without anything drawn on it."""

    camera: str
    is_plain: bool = False


class PreviewDesk:
    """Previews are sent only while somebody looks. `clock`: monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wanted: dict[Look, tuple[float, float]] = {}  # until, rate
        self._due: dict[Look, float] = {}

    def want(self, wish: PreviewWanted) -> None:
        rate = min(max(wish.rate_fps, 0.1), _MAX_RATE_FPS)
        self._wanted[Look(wish.camera, wish.is_plain)] = (self._clock() + wish.seconds, rate)

    def rates(self) -> dict[str, float]:
        """Frames a second wanted now, by camera."""
        rates: dict[str, float] = {}
        for look, rate in self._looks().items():
            rates[look.camera] = max(rates.get(look.camera, 0.0), rate)
        return rates

    def due(self) -> list[Look]:
        """Whose next picture is due; each is named once per period."""
        now, rates = self._clock(), self._looks()
        self._due = {look: at for look, at in self._due.items() if look in rates}
        looks = []
        for look, rate in rates.items():
            if now >= self._due.get(look, 0.0):
                self._due[look] = now + 1 / rate
                looks.append(look)
        return looks

    def _looks(self) -> dict[Look, float]:
        now = self._clock()
        self._wanted = {look: wish for look, wish in self._wanted.items() if wish[0] > now}
        return {look: rate for look, (_, rate) in self._wanted.items()}


def frame_to_show(latest: Frame | None, results: tuple[Result, ...]) -> Frame | None:
    """The frame that boxes were found on, so that they sit where the objects are; else the newest one."""
    for result in results:
        if isinstance(result.prediction, Detections):
            return result.frame
    return results[0].frame if results else latest


def preview_message(look: Look, privacy: Privacy, latest: Frame | None, results: tuple[Result, ...]) -> bytes | None:
    """The binary message with the picture; None where there is nothing that may be shown.

    `results`: fresh answers on this camera, newest first. Call it off the event loop: it draws and compresses.
    """
    if look.is_plain:
        cleared = _cleared(privacy, latest, results)
        return cleared and encode_preview(look.camera, *_taken(*cleared), answers_of(results))
    picture = preview_picture(privacy, latest, results)
    return encode_preview(look.camera, *picture) if picture else None


def preview_picture(privacy: Privacy, latest: Frame | None, results: tuple[Result, ...]) -> tuple[float, bytes] | None:
    """(Unix seconds of the frame, annotated JPEG), as for `preview_message`."""
    cleared = _cleared(privacy, latest, results)
    if cleared is None:
        return None
    # Here, because supervision takes a second to import and most boxes are seldom looked at.
    from edge_runtime.agent.annotation import annotated

    frame, image = cleared
    return _taken(frame, annotated(image, results))


def _cleared(privacy: Privacy, latest: Frame | None, results: tuple[Result, ...]) -> tuple[Frame, np.ndarray] | None:
    """The frame to show, and a copy of what may be seen of it, (H, W, 3) uint8 RGB, no wider than a preview."""
    frame = frame_to_show(latest, results)
    image = cleared_for_look(privacy, frame, results) if frame else None
    return None if frame is None or image is None else (frame, narrowed(image))


def _taken(frame: Frame, image: np.ndarray) -> tuple[float, bytes]:
    return frame.at, jpeg(image, quality=PREVIEW_QUALITY)
