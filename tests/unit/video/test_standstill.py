"""Whether a camera's thread makes progress, as the watchdog asks. No test sleeps: sources wait for events."""

import math
import threading

import numpy as np
import pytest

from edge_runtime.protocol.target import CameraTarget
from edge_runtime.video.cameras import CameraSet
from edge_runtime.video.capture import Content, Picture
from edge_runtime.video.problems import CaptureError

ENOUGH = 60.0


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


class Hanging:
    """A camera whose read does not return until `released`."""

    codec, width, height, rate_fps, is_live, is_paced = "none", 2, 2, 0.0, True, True

    def __init__(self):
        self.reading, self.released = threading.Event(), threading.Event()

    def pictures(self):
        self.reading.set()
        assert self.released.wait(ENOUGH)
        yield Picture(None, lambda: Content(np.zeros((2, 2, 3), np.uint8)))

    def hurry(self, is_behind):
        pass

    def close(self):
        pass


@pytest.fixture
def rig():
    clock, sources = Clock(), {"a": Hanging(), "b": Hanging()}

    def opener(source):
        if source not in sources:
            raise CaptureError("There is no such camera.")
        return sources[source]

    cameras = CameraSet(lambda frame: None, clock, opener=opener)
    yield clock, sources, cameras
    for source in sources.values():
        source.released.set()
    cameras.stop_all()


def start(cameras, *names):
    for name in names:
        cameras.start(CameraTarget(name, name, name))


def test_all_cameras_that_hang_are_a_standstill_and_one_is_not(rig):
    clock, sources, cameras = rig
    start(cameras, "a", "b")
    assert all(source.reading.wait(ENOUGH) for source in sources.values())
    clock.now = 200.0
    assert cameras.stuck_s() == 200.0
    sources["a"].released.set()
    reader = cameras._readers["a"]
    while reader.status.state != "failed":  # after its one picture; it waits on purpose for the next attempt
        reader._stopped.wait(0.001)
    assert cameras.stuck_s() == 0.0


def test_a_box_without_cameras_stands_still_for_no_reason(rig):
    clock, _, cameras = rig
    clock.now = 1e6
    assert cameras.stuck_s() == 0.0


def test_a_thread_that_ended_unasked_is_stuck_for_ever(rig, monkeypatch):
    _, _, cameras = rig
    monkeypatch.setattr("edge_runtime.video.reader.CameraReader._run", lambda self: None)
    start(cameras, "a")
    cameras._readers["a"]._thread.join(ENOUGH)
    assert cameras.stuck_s() == math.inf
