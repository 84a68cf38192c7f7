"""The part of the picture that a query looks at: which of a detector's objects stand in it."""

import cv2
import numpy as np

from edge_runtime.protocol.target import Zone
from edge_runtime.vision.spec import Detections, Prediction


def split_by_zone(prediction: Prediction, zone: Zone) -> tuple[Prediction, Detections | None]:
    """(what counts, what was found outside the zone, None where nothing can be).

    An object is in the zone where the centre of its lower edge is: there it stands on the ground. On the edge is in.
    A classification is about the whole picture, and so is everything where there is no zone.
    """
    if not zone or not isinstance(prediction, Detections):
        return prediction, None
    outline = np.array(zone, np.float32)
    feet = np.stack([(prediction.boxes[:, 0] + prediction.boxes[:, 2]) / 2, prediction.boxes[:, 3]], axis=1)
    is_in = np.array([cv2.pointPolygonTest(outline, (float(x), float(y)), False) >= 0 for x, y in feet], bool)
    return _chosen(prediction, is_in), _chosen(prediction, ~is_in)


def _chosen(found: Detections, mask: np.ndarray) -> Detections:
    return Detections(found.boxes[mask], found.labels[mask], found.scores[mask])
