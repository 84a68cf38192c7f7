from dataclasses import replace

import pytest

from edge_runtime.scheduling.pace import doubted, observed
from edge_runtime.scheduling.words import Batch, ModelProfile, Profiles

MODEL = ModelProfile("cars", {"a": 10}, (Batch(1, 100.0, 5), Batch(4, 300.0, 20)))


def test_a_slow_run_moves_the_estimate_of_its_batch_only() -> None:
    batches = observed(MODEL, 3, 500.0)
    assert batches is not None
    assert [batch.run_ms for batch in batches] == [100.0, pytest.approx(360.0)]


def test_more_frames_are_never_thought_to_take_less_time() -> None:
    small, large = observed(ModelProfile("cars", {"a": 10}, (Batch(1, 100.0, 5), Batch(4, 1e-9, 20))), 1, 300.0) or ()
    assert small.run_ms == large.run_ms == pytest.approx(160.0)


def test_a_run_as_expected_changes_nothing() -> None:
    assert observed(MODEL, 1, 110.0) is None


def test_repeated_runs_bring_the_estimate_to_what_they_take() -> None:
    model = MODEL
    for _ in range(30):
        batches = observed(model, 1, 20.0)
        model = ModelProfile(model.slot, model.tensors, batches or model.batches)
    assert model.batches[0].run_ms == pytest.approx(20.0, rel=0.5)  # corrections end where they are no longer notable


def test_doubt_halves_every_run_time_and_keeps_the_memory() -> None:
    assert [(batch.run_ms, batch.activation_bytes) for batch in doubted(MODEL)] == [(50.0, 5), (150.0, 20)]


def test_a_doubted_time_stays_known_until_a_run_ends_the_doubt() -> None:
    model = MODEL
    for _ in range(3):
        model = replace(model, batches=doubted(model))
    assert [batch.run_ms for batch in model.batches] == [12.5, 37.5]
    assert model.as_measured() == MODEL

    small, large = observed(model, 1, 40.0) or ()
    assert small == Batch(1, 40.0, 5)  # not a mean with what was only believed
    assert (large.run_ms, large.measured_ms) == (40.0, 300.0)


def test_a_run_as_believed_ends_the_doubt_too() -> None:
    model = replace(MODEL, batches=doubted(MODEL))
    assert (observed(model, 1, 50.0) or model.batches)[0] == Batch(1, 50.0, 5)


def test_other_figures_for_one_slot_leave_the_other_slots_and_the_sharing_alone() -> None:
    other = ModelProfile("people", {"a": 10, "b": 3}, (Batch(1, 7.0, 1),))
    changed = Profiles((MODEL, other)).with_batches("cars", doubted(MODEL))
    assert changed.by_slot["cars"].batches[0].run_ms == 50.0
    assert changed.by_slot["people"] == other
    assert changed.shared_digests() == {"a"}
