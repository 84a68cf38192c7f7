"""When a merged group has drifted. Pure."""

from webapp.accuracy.windows import WindowAccuracy


def bar_of(target: float, baseline: float | None) -> float:
    """What agreement must keep. The target, where the group was accepted by agreement (`baseline` None).

    A group that labels judged may differ from its originals and be as right as they: there the target is on what
    agreement was when the group began to run, `baseline`.
    """
    return target if baseline is None else target * baseline


def has_drifted(window: WindowAccuracy | None, bar: float, frames_min: int) -> bool:
    """Only when even the upper bound lies below: few frames, or bad luck with them, revert nothing."""
    return window is not None and window.frames >= frames_min and window.upper < bar
