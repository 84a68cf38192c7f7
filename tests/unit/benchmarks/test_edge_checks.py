"""What `make bench-edge` says of its table, and what it makes of a file of profiles."""

import msgspec
import pytest

from benchmarks.edge.__main__ import MeasuredPair, read_pair
from benchmarks.edge.cells import BASELINE, WAYS, Cell, median
from benchmarks.edge.checks import OURS, Cells, checks
from edge_runtime.scheduling.measured import MeasuredBatch, MeasuredBundle, MeasuredModel, Timing
from edge_runtime.scheduling.words import shared_bytes


def table(*, ours: float, baseline: float, others: float = 0.5, stalled: float = 0.5) -> Cells:
    shares = {way.name: others for way in WAYS} | {OURS: ours, BASELINE.name: baseline}
    return {"min": {name: Cell(share, None, 0.0, stalled) for name, share in shares.items()}}


def held(executed: Cells, foretold: Cells | None = None) -> list[bool | None]:
    return [check.is_held for check in checks(executed, foretold or executed, {}) if "foretold," not in check.claim]


def test_all_is_held_where_ours_is_ahead_and_foretold_as_executed() -> None:
    assert held(table(ours=1.0, baseline=0.5)) == [True, True, True]


def test_a_tie_is_as_many_frames_and_less_is_not() -> None:
    assert held(table(ours=0.5, baseline=0.4, others=0.515))[0] is True
    assert held(table(ours=0.5, baseline=0.4, others=0.525))[0] is False


def test_a_gain_below_a_fifth_is_missed_only_where_swaps_stall_the_baseline() -> None:
    assert held(table(ours=1.0, baseline=0.9))[1] is False
    assert held(table(ours=1.0, baseline=0.9, stalled=0.1))[1] is None


def test_cells_that_were_foretold_wrongly_are_named() -> None:
    found = checks(table(ours=1.0, baseline=0.5), table(ours=1.0, baseline=0.56), {})[-1]
    assert found.is_held is False
    assert found.found == f"+6.0 at min, {BASELINE.name}"


def test_medians_are_taken_figure_by_figure() -> None:
    cells = [Cell(0.1, 0.9, 5.0, 0.3), Cell(0.2, 0.1, 4.0, 0.2), Cell(0.3, 0.5, 6.0, 0.1)]
    assert median(cells) == Cell(0.2, 0.5, 5.0, 0.2)


@pytest.fixture
def measured() -> MeasuredBundle:
    timing = Timing(1.0, 1.0, 1.0)
    batches = (MeasuredBatch(1, timing, 10),)
    models = tuple(MeasuredModel(slot, "tiny", {"trunk": 70, slot: 30}, timing, batches) for slot in ("cars", "people"))
    return MeasuredBundle("digest", "here", "now", 3, 0, 1e6, models)


def test_profiles_of_one_bundle_are_compared_with_the_same_sharing_nothing(measured: MeasuredBundle) -> None:
    pair = read_pair(msgspec.json.encode(measured))

    cars, people = pair.unmerged.profiles().models
    assert pair.merged == measured
    assert (cars.weight_bytes, people.weight_bytes, shared_bytes(cars, people)) == (100, 100, 0)


def test_a_pair_of_profiles_is_read_as_it_was_written(measured: MeasuredBundle) -> None:
    pair = MeasuredPair(measured, measured)

    assert read_pair(msgspec.json.encode(pair)) == pair
