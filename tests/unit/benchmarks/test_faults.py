"""The matrix's bookkeeping: what counts as lost, and that the catalogue holds what it is for."""

import json
from typing import Any

from benchmarks import machine
from benchmarks.faults import catalogue, results
from benchmarks.faults.fault import FAULTS, Fault, Outcome, Row, judged, missed

FAULT = Fault("web-killed", "web killed", "nothing", 0, lambda product: Outcome(0.0, ""))


def test_a_gap_in_the_numbers_of_the_statistics_is_a_loss() -> None:
    row = judged(FAULT, Outcome(1.5, "seen"), gaps=2)
    assert (row.held, row.lost, row.recovered_s) == (False, "2 samples of a second", 1.5)
    assert row.line().startswith("MISSED web killed")


def test_nothing_lost_is_held() -> None:
    assert judged(FAULT, Outcome(1.5, "seen"), gaps=0).held


def test_what_a_fault_itself_knows_to_be_lost_counts_against_its_bound() -> None:
    bounded = Fault("box-killed", "box killed", "2 s", 2, FAULT.inflict)
    assert judged(bounded, Outcome(1.0, "", samples_lost=2), gaps=0).held
    assert not judged(bounded, Outcome(1.0, "", samples_lost=2), gaps=1).held


def test_a_fault_that_went_wrong_is_missed_with_the_reason() -> None:
    row = missed(FAULT, "the box ended")
    assert (row.held, row.note) == (False, "the box ended")
    assert "the box ended" in row.line()


def test_the_catalogue_kills_every_process_and_holds_at_least_25_faults() -> None:
    assert catalogue.__all__
    assert len(FAULTS) >= 25
    killed = {"web-killed", "beat-killed", "light-worker-killed", "gpu-worker-killed", "merging-child-killed"}
    assert killed | {"box-killed", "postgres-killed", "redis-killed"} <= set(FAULTS)


def test_a_later_run_of_some_keeps_what_is_known_of_the_others(tmp_path: Any, monkeypatch: Any) -> None:
    for module in (machine, results):
        monkeypatch.setattr(module, "RESULTS", tmp_path)
    for name in ("first", "second"):
        monkeypatch.setitem(FAULTS, name, FAULT)

    def rows() -> dict[str, bool]:
        return {row["name"]: row["held"] for row in json.loads((tmp_path / "faults.json").read_text())["faults"]}

    def row(name: str, held: bool) -> Row:
        return Row(name, "", "nothing", "nothing", 1.0, held, "")

    whole = results.Results(30.0, earlier=False)
    whole.add(row("first", True))
    whole.add(row("second", False))
    assert rows() == {"first": True, "second": False}
    results.Results(30.0, earlier=True).add(row("second", True))
    assert rows() == {"first": True, "second": True}
    results.Results(30.0, earlier=False).add(row("second", True))
    assert rows() == {"second": True}
