import numpy as np

from edge_runtime.protocol.messages import FrameObject
from edge_runtime.vision.spec import Detections, ModelSpec
from edge_runtime.vision.tasks import functions_for

SPEC = ModelSpec("centernet_resnet18_w24", ("car", "bus"), (32, 64))
FUNCTIONS = functions_for(SPEC)


def detections(*found):
    return Detections(
        np.array([[0.1, 0.1, 0.4, 0.4]] * len(found), dtype=np.float32),
        np.array([label for label, _ in found]),
        np.array([score for _, score in found], dtype=np.float32),
    )


def test_truth_is_what_can_be_seen_of_the_known_classes():
    objects = (
        FrameObject("bus", (0.1, 0.2, 0.3, 0.4)),
        FrameObject("person", (0.1, 0.2, 0.3, 0.4)),
        FrameObject("car", (0.5, 0.2, 0.7, 0.4), occluded=0.9),
        FrameObject("car", (0.5, 0.2, 0.6, 0.205)),
        FrameObject("car", (0.9, 0.5, 1.2, 0.8), occluded=0.3),
        FrameObject("car", (1.1, 0.5, 1.2, 0.8)),
    )
    truth = FUNCTIONS.truth_of(objects, None, SPEC)
    assert truth.labels.tolist() == [1, 0]
    np.testing.assert_allclose(truth.boxes, [[0.1, 0.2, 0.3, 0.4], [0.9, 0.5, 1.0, 0.8]])


def test_an_empty_street_is_a_truth_and_an_unlabelled_frame_is_none():
    assert FUNCTIONS.truth_of((), None, SPEC).boxes.shape == (0, 4)
    assert FUNCTIONS.truth_of(None, ("day",), SPEC) is None


def test_only_likely_detections_are_counted_and_taken_as_true():
    found = detections((0, 0.9), (1, 0.8), (0, 0.5), (0, 0.1))
    assert FUNCTIONS.counts(found, SPEC, ("car",)) == {"car": 2.0}
    assert FUNCTIONS.counts(found, SPEC, ("bus", "car")) == {"bus": 1.0, "car": 2.0}
    assert FUNCTIONS.agreement_truth(found).labels.tolist() == [0, 1, 0]
