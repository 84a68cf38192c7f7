"""A zone applies to everything that an answer is used for: counts, results, live accuracy."""

from dataclasses import replace

import msgspec
import numpy as np

from edge_runtime.protocol.target import SAMPLE_EVERY_S, QueryTarget, Zone
from edge_runtime.vision.spec import Detections
from edge_runtime.vision.tasks.detection import DetectionTruths
from tests.simulators.serving_rig import BundleOnShelf, FakeClock, Rig, frame_at, query_on, state_of

LEFT, RIGHT = (0.1, 0.2, 0.2, 0.4), (0.8, 0.2, 0.9, 0.4)
LEFT_HALF = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))


def zoned_query(zone: Zone) -> QueryTarget:
    return msgspec.structs.replace(query_on("cars"), zone=zone)


class Scripted(DetectionTruths):
    """A detector that answers what it is told, one answer after the other, whatever the picture shows."""

    def __init__(self, *answers: list[tuple[float, ...]]) -> None:
        self._answers = iter(answers)

    def predict(self, module, batch):
        boxes = np.array(next(self._answers), np.float32).reshape(-1, 4)
        return [Detections(boxes, np.zeros(len(boxes), np.int64), np.full(len(boxes), 0.9, np.float32))]


def running(clock: FakeClock, query: QueryTarget, functions: Scripted) -> Rig:
    shelf, rig = BundleOnShelf(), Rig(clock)
    shelf.add("cars", state_of(1), original=state_of(2))
    _switch(rig, shelf, query, functions)
    return rig


def _switch(rig: Rig, shelf: BundleOnShelf, query: QueryTarget, functions: Scripted) -> None:
    prepared = rig.prepare(shelf, [query])
    models = {slot: replace(model, functions=functions) for slot, model in prepared.models.items()}
    rig.engine.activate(replace(prepared, models=models))


def answer_one(rig: Rig, index: int = 0) -> None:
    rig.clock.advance(SAMPLE_EVERY_S)
    rig.intake.offer(frame_at(rig.clock(), index=index))
    rig.drain()


def counts(rig: Rig) -> dict[str, float]:
    (sample,) = rig.tally.take({})
    return sample.counts


def test_only_what_stands_in_the_zone_counts_and_is_shown(clock: FakeClock) -> None:
    rig = running(clock, zoned_query(LEFT_HALF), Scripted([LEFT, RIGHT, RIGHT]))
    answer_one(rig)

    assert counts(rig) == {"car": 1.0}
    (result,) = rig.results
    assert np.allclose(result.prediction.boxes, [LEFT])
    assert np.allclose(result.outside.boxes, [RIGHT, RIGHT])


def test_without_a_zone_the_whole_picture_counts(clock: FakeClock) -> None:
    rig = running(clock, query_on("cars"), Scripted([LEFT, RIGHT]))
    answer_one(rig)

    assert counts(rig) == {"car": 2.0}
    assert rig.results[0].outside is None


def test_agreement_is_that_of_what_stands_in_the_zone(clock: FakeClock) -> None:
    merged, original = [LEFT, RIGHT], [LEFT]  # they differ outside the zone only
    for zone, agreement in ((LEFT_HALF, 1.0), ((), 2 / 3)):
        rig = running(clock, zoned_query(zone), Scripted(merged, original))
        answer_one(rig)
        assert rig.engine.score_when_due()
        assert rig.engine.live_accuracy.agreements()["query-cars"].mean == agreement


def test_another_zone_begins_a_new_window_of_agreement(clock: FakeClock) -> None:
    functions = Scripted([LEFT], [LEFT], [LEFT])
    shelf, rig = BundleOnShelf(), Rig(clock)
    shelf.add("cars", state_of(1), original=state_of(2))
    _switch(rig, shelf, query_on("cars"), functions)
    answer_one(rig)
    rig.engine.score_when_due()
    _switch(rig, shelf, query_on("cars"), functions)
    assert rig.engine.live_accuracy.agreements()["query-cars"].frames == 1
    _switch(rig, shelf, zoned_query(LEFT_HALF), functions)
    assert rig.engine.live_accuracy.agreements() == {}
