"""The desk without its thread: what is put is worked on one by one."""

import json

import pytest

from edge_runtime.answers import desk as desks
from edge_runtime.answers.byte_track import ByteTracker
from edge_runtime.answers.desk import AnswerDesk
from edge_runtime.vision.spec import Detections


class Rig:
    def __init__(self, **options):
        self.now = 100.0
        self.sightings, self.results, self.lines = [], [], []
        self.desk = AnswerDesk(
            tracker=ByteTracker,
            on_sighting=self.sightings.append,
            on_result=self.results.append,
            clock=lambda: self.now,
            **options,
        )

    def put(self, results):
        for result in results:
            self.desk.put(result)

    def work(self):
        while self.desk.work():
            pass


@pytest.fixture
def rig():
    return Rig()


def cars(detection, ticks=6, start=0.0, query="cars"):
    return [detection(start + i / 5, ("car", 0.9, 0.1 + 0.04 * i), query=query) for i in range(ticks)]


def test_counts_by_query_since_the_last_look(rig, detection, classification):
    rig.put(cars(detection))
    rig.put(classification(i / 5, "quiet" if i < 4 else "busy") for i in range(8))
    rig.work()
    assert rig.desk.take_appeared() == {"cars": {"car": 1}, "traffic": {"busy": 1}}
    assert rig.desk.take_appeared() == {}
    assert [sighting.kind for sighting in rig.sightings] == ["changed"]  # the car may still be there


def test_writes_a_line_for_every_answer(rig, detection, classification):
    rig.desk.listen(lambda query, line: rig.lines.append((query, json.loads(line))))
    rig.put([detection(0.2, ("car", 0.91234, 0.1), ("person", 0.9, 0.5), ("car", 0.2, 0.7))])
    rig.put([classification(0.4, "busy")])
    rig.work()
    assert rig.lines[0] == (
        "cars",
        {
            "query": "cars",
            "name": "Cars",
            "camera": "gate",
            "frame": 1,
            "at": 1_700_000_000.2,
            "latency_ms": 12.3,
            "objects": [{"label": "car", "score": 0.9123, "box": [0.1, 0.4, 0.2, 0.5], "track": 1}],
        },
    )
    assert rig.lines[1][1]["answer"] == {"label": "busy", "score": 0.9}
    assert "objects" not in rig.lines[1][1]


def test_behind_it_lets_lines_and_pictures_go_and_counts_on(rig, detection):
    rig.desk.listen(lambda query, line: rig.lines.append(line))
    results = cars(detection, ticks=20)
    rig.put(results)
    rig.work()
    assert len(rig.lines) == len(rig.results) == desks.WITH_PICTURE
    assert rig.desk.lines_dropped == 20 - desks.WITH_PICTURE
    assert rig.desk.take_appeared() == {"cars": {"car": 1}}
    assert (rig.desk.missed, rig.desk.warnings()) == (0, ())


def test_far_behind_it_says_that_counts_are_too_low(rig, detection, monkeypatch):
    monkeypatch.setattr(desks, "WAITING", 4)
    rig.put(cars(detection, ticks=6))
    assert rig.desk.missed == 2
    assert "2 answers were not looked at" in rig.desk.warnings()[0]
    rig.now += 61
    assert rig.desk.warnings() == ()


def test_a_picture_that_was_let_go_is_no_picture_of_a_sighting(rig, detection, monkeypatch):
    monkeypatch.setattr(desks, "WITH_PICTURE", 0)
    rig.put(cars(detection))
    rig.work()
    rig.desk.keep_only([])
    rig.desk.work()
    assert [sighting.frame for sighting in rig.sightings] == [None]


def test_a_query_that_is_removed_ends_its_tracks(rig, detection):
    rig.put(cars(detection))
    rig.work()
    assert rig.sightings == []
    rig.desk.keep_only(["others"])
    rig.work()
    assert [sighting.until - sighting.at for sighting in rig.sightings] == [pytest.approx(1.0)]
    rig.put(cars(detection, start=2.0))
    rig.work()
    assert rig.desk.take_appeared() == {"cars": {"car": 1}}  # what came after it counts no more


def test_a_camera_that_falls_silent_ends_its_tracks(rig, detection):
    rig.put(cars(detection))
    rig.work()
    rig.now += 6
    rig.work()
    assert len(rig.sightings) == 1


def test_a_tracker_that_fails_starts_afresh_and_disturbs_nobody(rig, detection):
    broken = detection(0.0, ("car", 0.9, 0.1))
    object.__setattr__(
        broken, "prediction", Detections(broken.prediction.boxes[:, :2], *[broken.prediction.labels] * 2)
    )
    rig.put([broken, *cars(detection, start=1.0), *cars(detection, query="more")])
    rig.work()
    assert rig.desk.take_appeared() == {"cars": {"car": 1}, "more": {"car": 1}}
