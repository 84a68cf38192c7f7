"""Counting on rendered streets, where everybody who passes is known: positions and camera are the renderer's own."""

from collections import Counter

import numpy as np
import pytest

from edge_runtime.answers.byte_track import ByteTracker
from edge_runtime.answers.object_watch import ObjectWatch
from edge_runtime.answers.results import Result
from edge_runtime.scenes.conditions import ConditionPlan
from edge_runtime.scenes.figures import VEHICLES, to_world
from edge_runtime.scenes.layouts import LAYOUTS
from edge_runtime.scenes.pinhole import Pinhole
from edge_runtime.scenes.traffic import Traffic
from edge_runtime.scenes.vehicles import vehicle_mesh
from edge_runtime.vision.spec import Detections, Frame

CLASSES = ("car", "truck", "bus")
PIXEL = np.zeros((1, 1, 3), np.uint8)
SECONDS = 30
# Of the true number of vehicles. Where vehicles hide one another a few are missed, or counted again.
TOLERANCE = 0.1


def true_boxes(traffic, pinhole, time_s):
    """(vehicle, class, box) of all that the camera sees, as the renderer projects them."""
    for actor in traffic.at(time_s):
        if actor.kind not in VEHICLES:
            continue
        corners = vehicle_mesh(actor.kind, actor.key).corners.reshape(-1, 3)
        pixels, depth = pinhole.project(to_world(corners, actor))
        if depth.min() < 1.0:
            continue
        (left, top), (right, bottom) = pixels.min(0), pixels.max(0)
        seen = np.clip([left, top, right, bottom], 0, [pinhole.width, pinhole.height] * 2)
        share = (seen[2] - seen[0]) * (seen[3] - seen[1]) / ((right - left) * (bottom - top))
        if share > 0.3 and max(seen[2] - seen[0], seen[3] - seen[1]) > pinhole.height / 19:
            yield actor.key, actor.kind, seen / ([pinhole.width, pinhole.height] * 2)


@pytest.fixture(scope="module", params=sorted(LAYOUTS))
def street(request):
    """What a camera sees ten times a second: lists of (vehicle, class, box)."""
    layout = LAYOUTS[request.param]
    traffic = Traffic(layout, ConditionPlan("day", "clear", "moderate", seed=5))
    pinhole = Pinhole(next(iter(layout.poses.values())), 480, 270)
    return [list(true_boxes(traffic, pinhole, tick / 10)) for tick in range(10 * SECONDS)]


@pytest.mark.parametrize("rate_fps", [5, 10])
def test_counts_the_vehicles_that_pass(street, rate_fps):
    watch, counted, frames = ObjectWatch(ByteTracker), Counter(), Counter()
    for index, seen in enumerate(street[:: 10 // rate_fps]):
        frames.update(key for key, _, _ in seen)
        found = Detections(
            boxes=np.array([box for _, _, box in seen], np.float32).reshape(-1, 4),
            labels=np.array([CLASSES.index(kind) for _, kind, _ in seen], np.int64),
            scores=np.full(len(seen), 0.9, np.float32),
        )
        frame = Frame("street", index, PIXEL, index / rate_fps, 1.7e9 + index / rate_fps)
        counted.update(watch.see(Result("q", "Vehicles", (), frame, found, CLASSES, rate_fps)).appeared)
    passed = sum(count >= 2 for count in frames.values())  # one frame is no track
    assert passed > 5
    assert abs(counted.total() - passed) <= max(1, TOLERANCE * passed), (counted, passed)
