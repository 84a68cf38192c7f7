"""Frames and answers as small as they can be."""

import numpy as np
import pytest

from edge_runtime.answers.results import Result
from edge_runtime.protocol.messages import FrameObject
from edge_runtime.vision.spec import Classification, Detections, Frame


@pytest.fixture
def frame():
    """Makes frames of fine noise, in which any blur shows."""

    def make(index=0, *, objects=None, tags=None, captured_at=0.0):
        image = np.random.default_rng(index).integers(0, 255, (60, 80, 3), dtype=np.uint8)
        return Frame("gate", index, image, captured_at, 1_700_000_000.0 + index, objects, tags)

    return make


@pytest.fixture
def person():
    return FrameObject("person", (0.25, 0.25, 0.5, 0.75))


@pytest.fixture
def detection():
    def make(frame, *found, query="people", objects=("person",)):
        """`found`: (class index, score, box)."""
        prediction = Detections(
            boxes=np.array([box for _, _, box in found], np.float32).reshape(-1, 4),
            labels=np.array([label for label, _, _ in found], np.int64),
            scores=np.array([score for _, score, _ in found], np.float32),
        )
        return Result(query, "Who is there", objects, frame, prediction, ("car", "person"))

    return make


@pytest.fixture
def classification():
    def make(frame, *, query="traffic"):
        answer = Classification(1, np.array([0.1, 0.9], np.float32))
        return Result(query, "Traffic", ("busy",), frame, answer, ("quiet", "busy"))

    return make
