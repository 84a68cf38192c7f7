"""What the agent needs from the rest of the box, in its own words; `edge_runtime.app` plugs in the real parts."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch

from edge_runtime.protocol.manifest import Manifest, TensorEntry
from edge_runtime.protocol.measurements import BoxMeasured
from edge_runtime.protocol.messages import CameraSample, HostSample, LogLine, MemorySample, ProbeResult, QuerySample
from edge_runtime.protocol.target import CameraTarget, QueryTarget
from edge_runtime.vision.spec import Frame


class Serving(Protocol):
    """`prepare` may take seconds and changes nothing that runs; `activate` switches between two frames."""

    def prepare(
        self, manifest: Manifest, queries: Sequence[QueryTarget], tensor: Callable[[TensorEntry], torch.Tensor]
    ) -> Any: ...

    def activate(self, prepared: Any) -> None: ...

    def sample(self) -> tuple[MemorySample, tuple[QuerySample, ...]]: ...

    def problems(self) -> Mapping[str, str]: ...

    def warnings(self) -> Sequence[str]: ...

    def measured(self) -> BoxMeasured | None: ...


class Cameras(Protocol):
    @property
    def targets(self) -> dict[str, CameraTarget]: ...

    def start(self, target: CameraTarget) -> None: ...

    def stop(self, camera: str) -> None: ...

    def relabel(self, target: CameraTarget) -> None: ...

    def want_rate(self, camera: str, rate_fps: float | None) -> None: ...

    def latest(self, camera: str) -> Frame | None: ...

    def samples(self) -> tuple[CameraSample, ...]: ...

    def probe(self, target: CameraTarget, request: int) -> tuple[ProbeResult, np.ndarray | None]: ...


class Health(Protocol):
    """All answer at once."""

    def sample(self) -> HostSample | None:
        """What is known of the hardware and has not been told yet."""
        ...

    def warnings(self) -> Sequence[str]: ...

    def log_lines(self, after: int) -> Sequence[LogLine]:
        """The newest lines of the log, those with a number above `after`."""
        ...
