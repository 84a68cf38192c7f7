"""What `make bench-merging` says of a comparison."""

from benchmarks.merging.checks import Check, checks
from workers.merging.comparison import Comparison, Reached, StrategyResult, Violation

TARGET_MISSED = Violation("cars", "test", 0.93, 0.9, 0.96, 0.95, is_certain=False)


def _comparison(*strategies: StrategyResult, time_limit_s: float | None = None) -> Comparison:
    return Comparison(1, "exact", time_limit_s, None, "cpu", 1, "a machine", 1000, 500, strategies)


def _result(name: str, saved: int, samples: int, fraction: float | None = None, **more: object) -> StrategyResult:
    reached = Reached(saved, 1.0, samples, fraction, fraction) if fraction is not None else None
    return StrategyResult(name, saved_bytes=saved, optimum_fraction=saved / 500, reached=reached, **more)


def _by_claim(found: tuple[Check, ...]) -> dict[str, bool | None]:
    words = ("optimum", "as gemel", "as stem", "third", "validation", "test")
    return {next(word for word in words if word in check.claim): check.is_held for check in found}


def test_every_claim_holds_where_ours_is_ahead() -> None:
    ours, gemel = _result("optimistic", 500, 300, 0.3), _result("gemel", 400, 1000, 1.0)
    assert set(_by_claim(checks(_comparison(ours, gemel, _result("stem", 300, 1)))).values()) == {True}


def test_what_is_missed_is_said() -> None:
    ours = _result("optimistic", 450, 400, 0.4, violations=(TARGET_MISSED,))
    gemel = _result("gemel", 460, 1000, 1.0)
    found = _by_claim(checks(_comparison(ours, gemel, _result("stem", 470, 1))))
    assert found == {
        "optimum": False,
        "as gemel": False,
        "as stem": False,
        "third": False,
        "validation": True,
        "test": False,
    }


def test_a_query_below_target_on_validation_is_said_of_every_strategy_but_the_bound() -> None:
    missed = Violation("cars", "validation", 0.97, 0.94, 0.99, 0.95, is_certain=False)
    bound = _result("maximal", 500, 1, violations=(missed,))
    assert _by_claim(checks(_comparison(_result("optimistic", 500, 1), bound)))["validation"] is True
    stem = _result("stem", 500, 1, violations=(missed,))
    assert _by_claim(checks(_comparison(_result("optimistic", 500, 1), stem)))["validation"] is False


def test_nothing_is_claimed_of_what_was_not_run_or_failed() -> None:
    failed = StrategyResult("gemel", error="The disk is full.")
    found = _by_claim(checks(_comparison(_result("optimistic", 500, 1), failed)))
    assert found["as gemel"] is None
    assert found["third"] is None


def test_a_reference_that_its_limit_stopped_is_named() -> None:
    ours, gemel = _result("optimistic", 500, 300, 0.3), _result("gemel", 400, 1000, 1.0, seconds=61.0)
    found = checks(_comparison(ours, gemel, time_limit_s=60.0))
    assert any("gemel was stopped by its limit" in check.found for check in found)
