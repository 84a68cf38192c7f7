"""One look at a source: does it give a picture, of what size, how many a second?"""

from collections.abc import Callable

import numpy as np

from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.messages import ProbeResult
from edge_runtime.protocol.target import CameraTarget
from edge_runtime.video.capture import Capture
from edge_runtime.video.sources import open_capture


def probe(
    target: CameraTarget, request: int, *, opener: Callable[[str], Capture] = open_capture
) -> tuple[ProbeResult, np.ndarray | None]:
    """The answer to probe number `request` and the first picture, (H, W, 3) uint8 RGB. Never raises GemelError.

    Blocks for up to twice the network timeout. What of the picture may leave the box is the caller's decision.
    """
    try:
        capture = opener(target.source)
    except GemelError as error:
        return ProbeResult(request, problem=str(error)), None
    try:
        picture = next(iter(capture.pictures()), None)
        if picture is None:
            return ProbeResult(request, problem="The source opened but gave no picture; it may be damaged."), None
        image = picture.load().image
    except GemelError as error:
        return ProbeResult(request, problem=str(error)), None
    finally:
        capture.close()
    height, width = image.shape[:2]
    return ProbeResult(request, width, height, round(capture.rate_fps, 2), capture.codec), image
