"""Opens every camera that the box was last told of, all at once, each with a time limit."""

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from edge_runtime.doctor.findings import Finding, error, ok, warning
from edge_runtime.protocol.messages import ProbeResult
from edge_runtime.protocol.sources import redact_source
from edge_runtime.protocol.target import CameraTarget
from edge_runtime.video.probe import probe
from edge_runtime.video.sources import open_capture

TIMEOUT_S = 15.0
_ABOUT = "Camera"


def check_cameras(
    cameras: Sequence[CameraTarget], *, media_root: Path | None = None, timeout_s: float = TIMEOUT_S
) -> Iterator[Finding]:
    if not cameras:
        yield warning("Cameras", "The box was not told of any camera yet.", "Add cameras on its page on the server.")
        return
    looks = [_Look(camera, lambda source: open_capture(source, media_root=media_root)) for camera in cameras]
    for look in looks:
        yield look.finding(timeout_s)


class _Look:
    """A thread each: one that hangs must not hold up the others."""

    def __init__(self, camera: CameraTarget, opener: Callable) -> None:
        self._camera, self._opener = camera, opener
        self._result: ProbeResult | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self._result, _ = probe(self._camera, 0, opener=self._opener)

    def finding(self, timeout_s: float) -> Finding:
        self._thread.join(timeout_s)
        about = f'{_ABOUT} "{self._camera.name}"'
        if self._result is None:
            where = redact_source(self._camera.source)
            found = f"{where} gave no picture within {timeout_s:.0f} s."
            return error(about, found, "Check that it is on, and that nothing else uses it.")
        if self._result.problem:
            sentence, _, advice = self._result.problem.partition(". ")
            return error(about, sentence.rstrip(".") + ".", advice or "Check the camera and its address.")
        size = f"{self._result.width}x{self._result.height}"
        return ok(about, f"{size}, {self._result.rate_fps:g} pictures/s, {self._result.codec}.")
