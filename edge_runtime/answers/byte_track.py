"""ByteTrack (Zhang et al., ECCV 2022) as `edgefirst-tracker` implements it, in the words of `object_watch.Tracker`.

Why this library, and how its values were chosen: docs/adr/0012-the-room-answers.md. The gate is wide and the estimate
follows quickly, because a box looks a few times a second and cars move by half their length meanwhile.
"""

import numpy as np
from edgefirst.tracker import ByteTrack

from edge_runtime.vision.detections import SCORE_THRESHOLD

_LEAST_OVERLAP = 0.15
_UPDATE_WEIGHT = 0.8
# Below this rate cars move so far between two pictures that their boxes barely meet: they are made wider.
_SURE_FPS = 5.0
_WIDENED, _WIDENED_MOST = 0.1, 0.2


class ByteTracker:
    """`lost_s`: how long an object that is not detected is expected back. `rate_fps`: pictures a second."""

    def __init__(self, lost_s: float, rate_fps: float) -> None:
        self._margin = float(np.clip(_WIDENED * (_SURE_FPS / rate_fps - 1), 0.0, _WIDENED_MOST))
        self._tracker = ByteTrack(
            high_conf=SCORE_THRESHOLD, iou=_LEAST_OVERLAP, update=_UPDATE_WEIGHT, lifespan_ns=round(lost_s * 1e9)
        )

    def update(self, boxes: np.ndarray, scores: np.ndarray, at: float) -> list[str | None]:
        margin = self._margin * (boxes[:, 2:] - boxes[:, :2])
        found = self._tracker.update(
            np.concatenate([boxes[:, :2] - margin, boxes[:, 2:] + margin], axis=1).astype(np.float32),
            np.ascontiguousarray(scores, np.float32),
            # All alike: a car that is taken for a truck in one frame is one object.
            np.zeros(len(boxes), np.uintp),
            round(at * 1e9),
        )
        return [info.uuid if info is not None else None for info in found]
