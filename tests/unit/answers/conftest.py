"""Answers of one camera, made by hand."""

import numpy as np
import pytest

from edge_runtime.answers.results import Result
from edge_runtime.vision.spec import Classification, Detections, Frame

CLASSES = ("car", "truck", "person")
START = 1_700_000_000.0


@pytest.fixture
def frame():
    def make(seconds, *, stream=1, camera="gate"):
        return Frame(camera, round(seconds * 5), np.zeros((4, 4, 3), np.uint8), seconds, START + seconds, stream=stream)

    return make


@pytest.fixture
def detection(frame):
    def make(seconds, *found, objects=("car", "truck"), stream=1, query="cars"):
        """`found`: (class name, score, left edge); boxes are a tenth wide and high. Five answers a second."""
        boxes = [(left, 0.4, left + 0.1, 0.5) for _, _, left in found]
        prediction = Detections(
            boxes=np.array(boxes, np.float32).reshape(-1, 4),
            labels=np.array([CLASSES.index(name) for name, _, _ in found], np.int64),
            scores=np.array([score for _, score, _ in found], np.float32),
        )
        return Result(query, "Cars", objects, frame(seconds, stream=stream), prediction, CLASSES, 5.0, 12.34)

    return make


@pytest.fixture
def classification(frame):
    def make(seconds, label, *, score=0.9, objects=("busy",), stream=1, query="traffic"):
        classes = ("quiet", "busy", "jammed")
        probabilities = np.full(3, (1 - score) / 2, np.float32)
        probabilities[classes.index(label)] = score
        prediction = Classification(classes.index(label), probabilities)
        return Result(query, "Traffic", objects, frame(seconds, stream=stream), prediction, classes, 5.0, 3.0)

    return make
