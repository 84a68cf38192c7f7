from itertools import pairwise
from typing import Any

import pytest
import torch

from edge_runtime.protocol.target import SAMPLE_EVERY_S
from edge_runtime.serving.live_accuracy import OVERDUE_S
from tests.simulators.serving_rig import SPEC, BundleOnShelf, FakeClock, Rig, frame_at, query_on, state_of


def decided(label: int) -> dict[str, torch.Tensor]:
    """Weights that answer `label` whatever the picture shows."""
    state = state_of(1)
    state["fc.weight"] = torch.zeros_like(state["fc.weight"])
    state["fc.bias"] = torch.tensor([1.0, 0.0]) if label == 0 else torch.tensor([0.0, 1.0])
    return state


def rig_scoring(
    running: dict[str, torch.Tensor], original: dict[str, torch.Tensor] | None, clock: FakeClock, **query: Any
) -> Rig:
    shelf = BundleOnShelf()
    shelf.add("cars", running, spec=SPEC, original=original)
    rig = Rig(clock)
    rig.run(shelf, [query_on("cars", **query)])
    return rig


def watch(rig: Rig, frames: int) -> None:
    """Frames at leisure, each followed by an idle moment."""
    for index in range(frames):
        rig.clock.advance(SAMPLE_EVERY_S)
        rig.intake.offer(frame_at(rig.clock(), index=index))
        rig.drain()
        rig.engine.score_when_due()


@pytest.mark.parametrize(("running", "agreement"), [(0, 1.0), (1, 0.0)])
def test_agreement_is_the_share_of_answers_that_the_original_gives_too(clock, running: int, agreement: float) -> None:
    original = decided(0)
    merged = decided(running)
    merged["bn1.bias"] = merged["bn1.bias"] * 2  # another model all the same
    rig = rig_scoring(merged, original, clock)

    watch(rig, 4)

    scored = rig.engine.live_accuracy.agreements()["query-cars"]
    assert (scored.mean, scored.frames) == (agreement, 4)


def test_a_slot_that_runs_its_original_is_not_scored(clock) -> None:
    for original in (None, decided(0)):
        rig = rig_scoring(decided(0), original, clock)
        watch(rig, 2)
        assert rig.engine.live_accuracy.agreements() == {}


def test_nothing_is_scored_more_often_than_its_spacing(clock) -> None:
    rig = rig_scoring(decided(1), decided(0), clock)
    watch(rig, 1)
    clock.advance(SAMPLE_EVERY_S / 2)
    rig.intake.offer(frame_at(clock(), index=9))
    rig.drain()

    assert not rig.engine.score_when_due()


def test_a_camera_may_be_sampled_seldom_or_never(clock) -> None:
    seldom = rig_scoring(decided(1), decided(0), clock, sample_every_s=10 * SAMPLE_EVERY_S)
    watch(seldom, 40)
    assert seldom.engine.live_accuracy.agreements()["query-cars"].frames == 4

    never = rig_scoring(decided(1), decided(0), clock, sample_every_s=0)
    watch(never, 40)
    assert not never.engine.live_accuracy.is_watching


def test_pauses_are_drawn_so_that_nothing_at_a_fixed_pace_escapes(clock) -> None:
    rig = rig_scoring(decided(1), decided(0), clock, sample_every_s=10.0)
    clock.advance(10.0)
    waited: list[float] = []
    for rig.chance in (0.0, 0.999, 0.25):
        while not rig.engine.score_when_due():
            rig.clock.advance(0.5)
            rig.intake.offer(frame_at(rig.clock(), index=len(waited)))
            rig.drain()
        waited.append(rig.clock())

    assert [round(later - before, 1) for before, later in pairwise(waited)] == [5.0, 15.0]


def test_frames_that_wait_come_before_scoring_until_it_is_overdue(clock) -> None:
    rig = rig_scoring(decided(1), decided(0), clock)
    clock.advance(SAMPLE_EVERY_S)
    rig.intake.offer(frame_at(clock()))
    rig.drain()
    rig.intake.offer(frame_at(clock() + 1, index=1))

    assert not rig.engine.score_when_due()
    clock.advance(OVERDUE_S)
    assert rig.engine.score_when_due()


def test_the_original_takes_nothing_of_the_budget_and_is_let_go_after_its_run(clock) -> None:
    rig = rig_scoring(decided(1), decided(0), clock)
    watch(rig, 1)
    resident = rig.memory.resident()
    watch(rig, 1)

    original = rig.engine.prepared.models["cars"].original
    assert rig.memory.resident() == resident
    assert {tensor.device.type for tensor in original.module.parameters()} == {"meta"}


def test_an_original_that_cannot_be_read_costs_the_figure_and_nothing_else(clock) -> None:
    shelf = BundleOnShelf()
    shelf.add("cars", decided(1), original=decided(0))
    rig = Rig(clock)
    rig.run(shelf, [query_on("cars")])
    watch(rig, 1)
    shelf.tensors.clear()
    watch(rig, 3)

    assert len(rig.results) == 4
    assert rig.engine.live_accuracy.agreements()["query-cars"].frames == 1


def test_a_window_goes_on_where_the_model_stays_the_same_over_a_switch(clock) -> None:
    shelf = BundleOnShelf()
    shelf.add("cars", decided(1), original=decided(0))
    rig = Rig(clock)
    rig.run(shelf, [query_on("cars")])
    watch(rig, 3)

    rig.run(shelf, [query_on("cars", deadline_ms=900)])

    assert rig.engine.live_accuracy.agreements()["query-cars"].frames == 3
