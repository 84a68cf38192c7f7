import time

import pytest
import torch
from msgspec.structs import replace

from edge_runtime.scheduling.measured import MeasuredBatch, Timing
from edge_runtime.serving import preparation
from edge_runtime.serving.executor import Executor
from edge_runtime.serving.profiling import MeasuredFolder, bundle_digest, measure_bundle
from edge_runtime.serving.transfer import HostTransfer
from tests.simulators.serving_rig import MODEL_BYTES, BundleOnShelf, query_on, state_of

CPU = torch.device("cpu")


@pytest.fixture
def full_shelf(shelf: BundleOnShelf) -> BundleOnShelf:
    shelf.add("cars", state_of(1))
    shelf.add("people", state_of(2))
    return shelf


def measured_on(shelf: BundleOnShelf, hardware: str = "here"):
    return measure_bundle(
        shelf.manifest(),
        shelf.tensor,
        transfer=HostTransfer(),
        device=CPU,
        hardware=hardware,
        overhead_bytes=7,
        repetitions=3,
        clock=time.perf_counter,
    )


def test_measures_load_runs_and_memory_of_every_model(full_shelf: BundleOnShelf) -> None:
    measured = measured_on(full_shelf)

    assert [model.slot for model in measured.models] == ["cars", "people"]
    for model in measured.models:
        assert sum(model.tensors.values()) == MODEL_BYTES
        assert [batch.size for batch in model.batches] == [1, 2, 4]
        assert model.batches[0].activation_bytes < model.batches[2].activation_bytes
        runs = [timing for batch in model.batches for timing in (batch.run, batch.after_load, batch.beside_copy)]
        for timing in (model.load, model.switch, measured.visit, measured.short_visit, *runs):
            assert 0 < timing.low_ms <= timing.median_ms <= timing.high_ms
        assert model.switch.low_ms < model.load.high_ms  # the same without the copies
    budget = measured.budget(10**9)
    assert budget.load_bytes_per_s > 0
    assert (budget.visit_ms, budget.short_visit_ms) == (measured.visit.median_ms, measured.short_visit.median_ms)


def test_is_kept_by_hardware_and_bundle(full_shelf: BundleOnShelf, tmp_path) -> None:
    here, elsewhere = (MeasuredFolder(tmp_path / "profiles", name) for name in ("here", "elsewhere"))
    digest = bundle_digest(full_shelf.manifest())
    assert here.load(digest) is None

    measured = measured_on(full_shelf)
    path = here.save(measured)

    assert here.load(digest) == measured
    assert elsewhere.load(digest) is None
    assert here.load(bundle_digest(full_shelf.manifest(version=2))) is None
    path.write_bytes(b"half a file")
    assert here.load(digest) is None


def test_what_cannot_be_met_is_foretold_when_a_bundle_is_prepared(full_shelf, tmp_path) -> None:
    folder, measured = MeasuredFolder(tmp_path, "here"), measured_on(full_shelf)
    cars, people = measured.models
    slow = (MeasuredBatch(1, Timing(700.0, 700.0, 700.0), cars.batches[0].activation_bytes),)
    folder.save(replace(measured, models=(replace(cars, batches=slow), people)))
    executor = Executor(budget_bytes=8_000_000, overhead_bytes=0, measured=folder)
    try:
        prepared = executor.prepare(full_shelf.manifest(), [query_on("cars", deadline_ms=500)], full_shelf.tensor)
        executor.activate(prepared)

        assert "query Find cars will lose all of its frames" in prepared.forecast
        assert "700 ms" in prepared.forecast
        assert executor.warnings() == (prepared.forecast,)
    finally:
        executor.stop()


def test_a_box_starts_with_what_was_measured_instead_of_measuring(full_shelf, tmp_path, monkeypatch) -> None:
    folder = MeasuredFolder(tmp_path, "here")
    measured = measured_on(full_shelf)
    folder.save(measured)

    def measures_again(*given):
        raise AssertionError("measured although it was known")

    monkeypatch.setattr(preparation, "_measured_batches", measures_again)
    executor = Executor(budget_bytes=8_000_000, overhead_bytes=0, measured=folder)
    try:
        queries = [query_on("cars"), query_on("people")]
        profiles = executor.prepare(full_shelf.manifest(), queries, full_shelf.tensor).profiles
    finally:
        executor.stop()

    assert [one.batches for one in profiles.models] == [one.batches for one in measured.profiles().models]
