"""Counts and sightings of objects whose number is known by hand. The tracker is a scripted one, or the real one."""

from collections import Counter

import pytest

from edge_runtime.answers.byte_track import ByteTracker
from edge_runtime.answers.object_watch import TOLD_AFTER_S, ObjectWatch
from tests.unit.answers.conftest import START


def watched(results, tracker=ByteTracker):
    """(what appeared, all sightings with those of the end)."""
    watch, appeared, sightings = ObjectWatch(tracker), Counter(), []
    for result in results:
        seen = watch.see(result)
        appeared.update(seen.appeared)
        sightings += seen.sightings
    return appeared, (*sightings, *watch.end())


def drive(detection, start, name="car", *, ticks=6, score=0.9, **options):
    """A car that crosses from left to right, five pictures a second."""
    return [detection(start + i / 5, (name, score, 0.1 + 0.04 * i), **options) for i in range(ticks)]


def test_a_car_that_drives_by_is_one_car(detection):
    appeared, (sighting,) = watched(drive(detection, 0.0))
    assert appeared == {"car": 1}
    assert (sighting.kind, sighting.label, sighting.camera) == ("appeared", "car", "gate")
    assert sighting.at == START
    assert sighting.until == pytest.approx(START + 1.0)


def test_two_cars_one_after_the_other_are_two(detection):
    appeared, sightings = watched([*drive(detection, 0.0), detection(3.5), *drive(detection, 4.0)])
    assert appeared == {"car": 2}
    assert [sighting.at - START for sighting in sightings] == [0.0, 4.0]


def test_side_by_side_each_class_is_counted(detection):
    frames = [detection(i / 5, ("car", 0.9, 0.1 + 0.02 * i), ("truck", 0.8, 0.6 - 0.02 * i)) for i in range(6)]
    assert watched(frames)[0] == {"car": 1, "truck": 1}


def test_a_flicker_of_the_detector_is_nothing(detection):
    assert watched([detection(0.0), detection(0.2, ("car", 0.9, 0.3)), detection(0.4), detection(3.0)]) == ({}, ())


def test_a_car_that_is_missed_for_a_moment_goes_on(detection):
    frames = drive(detection, 0.0, ticks=8)
    frames[4] = detection(0.8)
    frames[5] = detection(1.0, ("car", 0.15, 0.3))  # seen, but far from sure
    assert watched(frames)[0] == {"car": 1}


def test_a_car_that_is_a_truck_once_is_one_car(detection):
    frames = drive(detection, 0.0)
    frames[3] = drive(detection, 0.0, "truck")[3]
    assert watched(frames)[0] == {"car": 1}


def test_what_nobody_asked_for_is_not_counted(detection):
    assert watched(drive(detection, 0.0, "person"))[0] == {}
    assert watched(drive(detection, 0.0, "person", objects=()))[0] == {"person": 1}


def test_what_stays_is_told_once_and_after_a_while(detection):
    watch, told = ObjectWatch(ByteTracker), []
    for tick in range(round(5 * TOLD_AFTER_S) + 20):
        told += watch.see(detection(tick / 5, ("car", 0.5 + 0.001 * tick, 0.4))).sightings
    (sighting,) = told
    assert sighting.until is None
    assert sighting.score == pytest.approx(0.5 + 0.001 * 5 * TOLD_AFTER_S)
    assert watch.end() == ()


def test_another_stream_is_another_car(detection):
    appeared, sightings = watched([*drive(detection, 0.0), *drive(detection, 1.2, stream=2)])
    assert appeared == {"car": 2}
    assert [sighting.until for sighting in sightings] == pytest.approx([START + 1.0, START + 2.2])


def test_time_that_goes_back_ends_all_tracks(detection):
    assert watched([*drive(detection, 100.0), *drive(detection, 0.0)])[0] == {"car": 2}


class Scripted:
    """Gives every detection the track whose name is its place in the script."""

    def __init__(self, *script):
        self.script = iter(script)

    def update(self, boxes, scores, at):
        return list(next(self.script))


def test_the_picture_is_the_best_and_the_box_lies_on_it(detection):
    frames = [
        detection(0.0, ("car", 0.5, 0.1)),
        detection(0.2, ("car", 0.95, 0.2)),
        detection(0.4, ("car", 0.6, 0.3)),
    ]
    _, (sighting,) = watched(frames, lambda *how: Scripted("a", "a", "a"))
    assert sighting.frame is frames[1].frame
    assert sighting.box == pytest.approx((0.2, 0.4, 0.3, 0.5))
    assert sighting.score == pytest.approx(0.95)


def test_holds_few_frames_however_many_objects_there_are(detection):
    watch = ObjectWatch(lambda *how: Scripted(*([f"{i}"] for i in range(9) for _ in range(2))))
    for i in range(18):
        watch.see(detection(i / 10, ("car", 0.9, 0.04 * i)))
    sightings = watch.end()
    assert len(sightings) == 9
    assert len({id(sighting.frame) for sighting in sightings if sighting.frame}) == 8


def test_numbers_of_tracks_are_told_with_the_answer(detection):
    watch = ObjectWatch(lambda *how: Scripted(["x", None], ["y", "x"]))
    assert watch.see(detection(0.0, ("car", 0.9, 0.1), ("car", 0.1, 0.5))).tracks == {0: 1}
    assert watch.see(detection(0.2, ("car", 0.9, 0.5), ("car", 0.9, 0.1))).tracks == {0: 2, 1: 1}
