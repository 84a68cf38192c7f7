"""Whether training will still reach its targets: hopeless trials end early. Pure arithmetic on past evaluations."""

from collections.abc import Sequence

PATIENCE = 0.5  # of the planned steps pass before anything is given up
NEARLY_DONE = 0.8  # from here on giving up would save next to nothing
OPTIMISM = 2.0  # a forecast below target by more than this factor's reach is hopeless
SWING = 0.03  # by which a bound on some hundred frames swings between evaluations, and a falling rate still lifts it


def is_hopeless(lower_bounds: Sequence[float], target: float, *, done_fraction: float) -> bool:
    """`lower_bounds`: one query's, evaluation by evaluation, evenly spaced. `done_fraction`: of the planned steps.

    Extrapolates the gain over the second half of the evaluations to the end of training, and allows twice that:
    giving up wrongly costs saved memory, going on wrongly only time.
    """
    if not PATIENCE <= done_fraction < NEARLY_DONE or len(lower_bounds) < 4 or lower_bounds[-1] >= target:
        return False
    return _reach(lower_bounds, done_fraction, 1 - done_fraction) + SWING < target


def is_worth_extending(lower_bounds: Sequence[float], target: float, *, extension: float) -> bool:
    """At the end of training: whether `extension`, as a share of the steps done, would bring the query to target.

    More steps cost less than un-sharing layers that only needed time.
    """
    if not lower_bounds or lower_bounds[-1] >= target:
        return bool(lower_bounds)
    return len(lower_bounds) >= 4 and _reach(lower_bounds, 1.0, extension) >= target


def _reach(lower_bounds: Sequence[float], done_fraction: float, more: float) -> float:
    middle = len(lower_bounds) // 2
    earlier, later = max(lower_bounds[:middle]), max(lower_bounds[middle:])
    gain_rate = max(0.0, later - earlier) / (done_fraction / 2)
    return later + OPTIMISM * gain_rate * more


def seconds_left(*, seconds_per_step: float, step: int, planned: int, evaluate_every: int) -> tuple[float, float]:
    """From "targets hold at the next evaluation" to "all planned steps are needed"."""
    until_evaluation = min(planned - step, evaluate_every - step % evaluate_every)
    return seconds_per_step * until_evaluation, seconds_per_step * (planned - step)
