"""Whether training will still reach its targets: hopeless trials end early. Pure arithmetic on past evaluations."""

from collections.abc import Sequence

PATIENCE = 0.5  # of the planned steps pass before anything is given up
OPTIMISM = 2.0  # a forecast below target by more than this factor's reach is hopeless


def is_hopeless(lower_bounds: Sequence[float], target: float, *, done_fraction: float) -> bool:
    """`lower_bounds`: one query's, evaluation by evaluation, evenly spaced. `done_fraction`: of the planned steps.

    Extrapolates the gain over the second half of the evaluations to the end of training, and allows twice that:
    giving up wrongly costs saved memory, going on wrongly only time.
    """
    if done_fraction < PATIENCE or len(lower_bounds) < 4 or lower_bounds[-1] >= target:
        return False
    middle = len(lower_bounds) // 2
    earlier, later = max(lower_bounds[:middle]), max(lower_bounds[middle:])
    gain_rate = max(0.0, later - earlier) / (done_fraction / 2)
    return later + OPTIMISM * gain_rate * (1 - done_fraction) < target


def seconds_left(*, seconds_per_step: float, step: int, planned: int, evaluate_every: int) -> tuple[float, float]:
    """From "targets hold at the next evaluation" to "all planned steps are needed"."""
    until_evaluation = min(planned - step, evaluate_every - step % evaluate_every)
    return seconds_per_step * until_evaluation, seconds_per_step * (planned - step)
