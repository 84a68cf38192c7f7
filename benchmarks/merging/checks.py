"""What is claimed of the default strategy, held against a comparison; what is missed is said as plainly."""

from collections.abc import Iterator

from benchmarks.claims import Check
from workers.merging.comparison import Comparison, StrategyResult, Violation

OURS, PAPER, STEM, BOUND = "optimistic", "gemel", "stem", "maximal"
LEAST_OF_OPTIMUM = 0.95
MOST_OF_SAMPLES = 1 / 3


def checks(comparison: Comparison) -> tuple[Check, ...]:
    by_name = {result.strategy: result for result in comparison.strategies if result.error is None}
    ours, paper = by_name.get(OURS), by_name.get(PAPER)
    targeted = [result for result in by_name.values() if result.strategy != BOUND]
    return (
        _of_optimum(ours),
        *(_at_least(ours, by_name.get(other), other) for other in (PAPER, STEM)),
        _samples(ours, paper, comparison),
        _targets_held(targeted, "validation", "every accepted configuration holds every target on validation"),
        _targets_held([ours] if ours else [], "test", f"{OURS} misses no target on test"),
    )


def _of_optimum(ours: StrategyResult | None) -> Check:
    claim = f"{OURS} saves at least {LEAST_OF_OPTIMUM:.0%} of the optimum"
    if ours is None:
        return Check(claim, None, "not run")
    return Check(claim, ours.optimum_fraction >= LEAST_OF_OPTIMUM, f"{ours.optimum_fraction:.1%}")


def _at_least(ours: StrategyResult | None, other: StrategyResult | None, name: str) -> Check:
    claim = f"{OURS} saves at least as much as {name}"
    if ours is None or other is None:
        return Check(claim, None, "not run")
    return Check(claim, ours.saved_bytes >= other.saved_bytes, f"{ours.saved_bytes} against {other.saved_bytes} bytes")


def _samples(ours: StrategyResult | None, paper: StrategyResult | None, comparison: Comparison) -> Check:
    claim = f"{OURS} needs at most a third of the samples that {PAPER} needs to reach {PAPER}'s own final saving"
    if ours is None or paper is None or paper.reached is None:
        return Check(claim, None, "not run")
    if ours.reached is None or ours.reached.samples_fraction is None:
        return Check(claim, False, f"{OURS} never saved as much, or {PAPER} saved nothing")
    seen, needed = ours.reached.samples_seen, paper.reached.samples_seen
    ended = f"; {PAPER} was stopped by its limit" if is_limited(paper, comparison) else ""
    found = f"{seen} against {needed} samples, {ours.reached.samples_fraction:.2f}{ended}"
    return Check(claim, ours.reached.samples_fraction <= MOST_OF_SAMPLES, found)


def is_limited(result: StrategyResult, comparison: Comparison) -> bool:
    """Whether it ended because its time or samples were used up: it might have gone on."""
    time_limit_s, sample_limit = comparison.time_limit_s, comparison.sample_limit
    is_late = time_limit_s is not None and result.seconds >= time_limit_s
    return is_late or (sample_limit is not None and result.samples_seen >= sample_limit)


def _targets_held(results: list[StrategyResult], split: str, claim: str) -> Check:
    if not results:
        return Check(claim, None, "not run")
    missed = list(violations(results, split))
    return Check(claim, not missed, "; ".join(f"{name}: {said(violation)}" for name, violation in missed) or "none")


def violations(results: list[StrategyResult], split: str) -> Iterator[tuple[str, Violation]]:
    for result in results:
        yield from ((result.strategy, violation) for violation in result.violations if violation.split == split)


def said(violation: Violation) -> str:
    bounds = f"{violation.lower_bound:.3f} to {violation.upper_bound:.3f}"
    return f"{violation.query} {violation.relative_accuracy:.3f} ({bounds}), target {violation.target:g}"
