"""What all detectors have in common: what is true of a frame, what is counted."""

from collections.abc import Sequence

import numpy as np

from edge_runtime.protocol.messages import FrameObject
from edge_runtime.vision.detections import as_truth, confident
from edge_runtime.vision.spec import BoxTruth, Detections, ModelSpec, Prediction, Truth

# Objects that a person could not point at either are no part of the truth: they would only lower every figure.
MAXIMUM_OCCLUDED = 0.7
MINIMUM_HEIGHT = 0.01  # of the frame: 1.4 pixels of a 144-pixel input


class DetectionTruths:
    """The part of TaskFunctions that does not depend on the network."""

    def truth_of(
        self, objects: Sequence[FrameObject] | None, tags: Sequence[str] | None, spec: ModelSpec
    ) -> Truth | None:
        """Objects of the spec's classes but the hidden and tiny ones; None where nobody said what the frame shows."""
        if objects is None:
            return None
        visible = [item for item in objects if item.name in spec.classes and _is_visible(item)]
        boxes = np.array([item.box for item in visible], dtype=np.float32).reshape(-1, 4).clip(0, 1)
        return BoxTruth(boxes, np.array([spec.classes.index(item.name) for item in visible], dtype=np.int64))

    def agreement_truth(self, prediction: Prediction) -> Truth:
        assert isinstance(prediction, Detections)
        return as_truth(prediction)

    def counts(self, prediction: Prediction, spec: ModelSpec, objects: Sequence[str]) -> dict[str, float]:
        assert isinstance(prediction, Detections)
        names = [spec.classes[label] for label in confident(prediction).labels]
        return {name: float(names.count(name)) for name in objects}


def _is_visible(item: FrameObject) -> bool:
    left, top, right, bottom = (min(max(edge, 0.0), 1.0) for edge in item.box)
    return item.occluded <= MAXIMUM_OCCLUDED and right > left and bottom - top >= MINIMUM_HEIGHT
