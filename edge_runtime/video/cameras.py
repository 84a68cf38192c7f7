"""All cameras of a box by id: started, stopped and asked one by one."""

import time
from collections.abc import Callable

import numpy as np

from edge_runtime.protocol.messages import CameraSample, ProbeResult
from edge_runtime.protocol.target import CameraTarget
from edge_runtime.video.capture import Capture
from edge_runtime.video.probe import probe
from edge_runtime.video.reader import STOP_S, CameraReader
from edge_runtime.video.sources import open_capture
from edge_runtime.vision.spec import Frame


class CameraSet:
    """Changed by one thread at a time, read from any."""

    def __init__(
        self,
        on_frame: Callable[[Frame], None],
        clock: Callable[[], float] = time.monotonic,
        *,
        opener: Callable[[str], Capture] = open_capture,
    ) -> None:
        self._on_frame = on_frame
        self._clock = clock
        self._opener = opener
        self._readers: dict[str, CameraReader] = {}

    @property
    def targets(self) -> dict[str, CameraTarget]:
        return {camera: reader.target for camera, reader in list(self._readers.items())}

    def start(self, target: CameraTarget) -> None:
        """Start this camera; one that runs under the same id is stopped first. The others go on undisturbed."""
        self.stop(target.camera)
        reader = CameraReader(target, self._on_frame, self._clock, opener=self._opener)
        self._readers[target.camera] = reader
        reader.start()

    def stop(self, camera: str) -> None:
        reader = self._readers.pop(camera, None)
        if reader is not None:
            reader.stop()

    def stop_all(self) -> None:
        """Ends within 2 s, however many cameras hang."""
        readers = list(self._readers.values())
        self._readers.clear()
        for reader in readers:
            reader.signal_stop()
        deadline = time.monotonic() + STOP_S
        for reader in readers:
            reader.join(deadline - time.monotonic())

    def relabel(self, target: CameraTarget) -> None:
        """Take over a change that needs no new connection: name or privacy."""
        self._readers[target.camera].target = target

    def want_rate(self, camera: str, rate_fps: float | None) -> None:
        if camera in self._readers:
            self._readers[camera].want_rate(rate_fps)

    def latest(self, camera: str) -> Frame | None:
        reader = self._readers.get(camera)
        return reader.latest if reader else None

    def samples(self) -> tuple[CameraSample, ...]:
        return tuple(reader.sample() for reader in list(self._readers.values()))

    def stuck_s(self) -> float:
        """For how long no camera at all has made progress: where one hangs it is the camera, where all do it is us."""
        return min((reader.stuck_s() for reader in list(self._readers.values())), default=0.0)

    def probe(self, target: CameraTarget, request: int) -> tuple[ProbeResult, np.ndarray | None]:
        """From the running reader where there is one: many devices can be opened only once. May block."""
        reader = self._readers.get(target.camera)
        frame = reader.latest if reader and reader.target.source == target.source else None
        if reader is None or frame is None:
            return probe(target, request, opener=self._opener)
        status = reader.status
        rate = status.source_rate_fps or reader.sample().rate_fps
        return ProbeResult(request, status.width, status.height, round(rate, 2), status.codec), frame.image
