"""From a camera's address to an open source: the one place that knows which class opens which kind."""

from pathlib import Path

from av.codec.hwaccel import HWAccel

from edge_runtime.protocol.sources import SourceKind, source_kind
from edge_runtime.video.capture import AvCapture, Capture


def open_capture(source: str, *, media_root: Path | None = None, hwaccel: HWAccel | None = None) -> Capture:
    """Raises SourceError for an address that is none, CaptureError for one that gives no video now.

    `media_root`: the only folder that file sources may lie in; None allows any. `hwaccel`: the device that decodes.
    """
    if source_kind(source) is SourceKind.SCENE:
        # Here, so that a box with real cameras never loads the renderer.
        from edge_runtime.video.scene import SceneCapture

        return SceneCapture(source)
    return AvCapture(source, media_root=media_root, hwaccel=hwaccel)
