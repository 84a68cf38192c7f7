"""One camera, read in a thread of its own: paced, looped, reconnected. A bad camera never disturbs another.

A thread that hangs in a read is left behind on `stop`: it delivers nothing any more, and ends when the read returns,
which `capture.NETWORK_TIMEOUT_S` bounds for a network, `capture.NO_PICTURE_S` for data without pictures, and the driver
for a device. Of a live source the newest picture counts: where pictures queued up, the old ones are skipped.
"""

import logging
import math
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from edge_runtime.protocol.backoff import reconnect_delay_s
from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.messages import CameraSample
from edge_runtime.protocol.target import CameraTarget
from edge_runtime.video.capture import Capture, Content, Picture
from edge_runtime.video.pacing import Backlog, Pace, RateMeter, keep_every
from edge_runtime.video.problems import CaptureError
from edge_runtime.video.sources import open_capture
from edge_runtime.vision.spec import Frame

STOP_S = 1.5
_FALLBACK_FPS = 25.0
# A source that gave pictures for so long was healthy: its next failure starts the backoff from the beginning.
_HEALTHY_S = 10.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CameraStatus:
    """`state`: "connecting", "running" or "failed" with one sentence in `problem`."""

    state: str = "connecting"
    problem: str = ""
    codec: str = ""
    width: int = 0
    height: int = 0
    source_rate_fps: float = 0.0


class CameraReader:
    """Calls `on_frame` from its thread with every wanted frame. `clock`: monotonic seconds."""

    def __init__(
        self,
        target: CameraTarget,
        on_frame: Callable[[Frame], None],
        clock: Callable[[], float] = time.monotonic,
        *,
        opener: Callable[[str], Capture] = open_capture,
    ) -> None:
        self.target = target
        self._on_frame = on_frame
        self._clock = clock
        self._opener = opener
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"camera-{target.camera}", daemon=True)
        self._wanted_fps: float | None = None
        self._status = CameraStatus()
        self._latest: Frame | None = None
        self._meter = RateMeter()
        self._index = 0
        self._stream = 0
        self._first_shown_at = math.inf  # since the source was opened
        self._moved_at = clock()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends within 2 s. No frame is delivered afterwards."""
        self.signal_stop()
        self.join(STOP_S)

    def signal_stop(self) -> None:
        """Ask the thread to end, without waiting: many cameras end together."""
        self._stopped.set()

    def join(self, timeout_s: float) -> None:
        if self._thread.is_alive():
            self._thread.join(max(0.0, timeout_s))

    def want_rate(self, rate_fps: float | None) -> None:
        """Convert and deliver about this many frames a second, rather more than fewer; None: all of them."""
        self._wanted_fps = rate_fps

    @property
    def status(self) -> CameraStatus:
        return self._status

    @property
    def latest(self) -> Frame | None:
        """The newest delivered frame while the camera runs."""
        return self._latest if self._status.state == "running" else None

    def stuck_s(self) -> float:
        """For how long opening, reading or delivering has not returned; waiting on purpose is no standstill."""
        if not self._thread.is_alive():
            return 0.0 if self._stopped.is_set() else math.inf
        return max(0.0, self._clock() - self._moved_at)

    def sample(self) -> CameraSample:
        rate = self._meter.rate_fps(self._clock()) if self._status.state == "running" else 0.0
        return CameraSample(self.target.camera, self._status.state, round(rate, 2), self._status.problem)

    def _run(self) -> None:
        attempt = 0
        while not self._stopped.is_set():
            self._first_shown_at = math.inf
            try:
                self._play_once()
                continue
            except GemelError as error:
                problem = str(error)
            except Exception:  # The edge of this camera's thread: one camera's surprise must not end the others.
                log.exception("Camera %s failed unexpectedly", self.target.name, extra={"camera": self.target.camera})
                problem = "The camera failed unexpectedly; the log of the box says why. The box tries again."
            if self._status.problem != problem:
                log.warning("Camera %s: %s", self.target.name, problem, extra={"camera": self.target.camera})
            attempt = 0 if self._clock() - self._first_shown_at > _HEALTHY_S else attempt
            self._status = replace(self._status, state="failed", problem=problem)
            self._wait(reconnect_delay_s(attempt, random.random()))
            attempt += 1

    def _play_once(self) -> None:
        """From opening to the end of the source. Returns at the end of a film; raises when a live source ends."""
        capture = self._opener(self.target.source)
        self._stream += 1
        try:
            pace, backlog, count = Pace(), Backlog(), 0
            frame_s = 1 / (capture.rate_fps or _FALLBACK_FPS)
            for picture in capture.pictures():
                self._moved_at = self._clock()
                if self._stopped.is_set():
                    return
                lag_s = self._lag_s(picture, capture, backlog)
                if not capture.is_live and capture.is_paced:
                    seconds = count * frame_s if picture.seconds is None else picture.seconds
                    self._wait(pace.delay_s(seconds, self._clock()))
                self._meter.count(self._clock())
                is_wanted = count % keep_every(capture.rate_fps, self._wanted_fps) == 0 and not backlog.is_behind
                if is_wanted and not self._stopped.is_set():
                    self._show(picture.load(), capture, lag_s)
                count += 1
            if count == 0 or capture.is_live:
                # A killed RTSP server looks like the end of a film.
                raise CaptureError(_end_problem(count))
            if capture.is_paced:
                self._wait(frame_s)
        finally:
            capture.close()

    def _wait(self, seconds: float) -> None:
        self._moved_at = self._clock() + seconds
        self._stopped.wait(seconds)

    def _lag_s(self, picture: Picture, capture: Capture, backlog: Backlog) -> float:
        """How old a live picture is by now; has the source hurry when it lags."""
        if not capture.is_live or picture.seconds is None:
            return 0.0
        was_behind = backlog.is_behind
        lag_s = backlog.lag_s(picture.seconds, self._clock(), is_key=picture.is_key)
        if backlog.is_behind != was_behind:
            capture.hurry(backlog.is_behind)
        return lag_s

    def _show(self, content: Content, capture: Capture, lag_s: float) -> None:
        now = self._clock()
        self._first_shown_at = min(self._first_shown_at, now)
        height, width = content.image.shape[:2]
        content.image.flags.writeable = False
        frame = Frame(
            camera=self.target.camera,
            index=self._index,
            image=content.image,
            captured_at=now - lag_s,
            at=time.time() - lag_s,
            objects=content.objects,
            tags=content.tags,
            stream=self._stream,
        )
        self._index += 1
        self._latest = frame
        self._status = CameraStatus("running", "", capture.codec, width, height, capture.rate_fps)
        if not self._stopped.is_set():
            self._on_frame(frame)


def _end_problem(count: int) -> str:
    if count:
        return "The camera closed the connection. The box connects again."
    return "The source gave no picture at all; it may be damaged. The box tries again."
