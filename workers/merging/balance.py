"""Who gets how much of joint training, by the newest validation figures: loss weights and turns. Pure arithmetic."""

from collections.abc import Mapping, Sequence

from workers.merging.events import QueryFigures

WEIGHT_RANGE = 3.0  # of a query's loss weight, from at its target to this far below:
FAR_BELOW = 0.05
FAR_AHEAD = 0.5  # of the way from its target to perfect: from here a query trains seldom
SELDOM = 2


def loss_weights(figures: Mapping[str, QueryFigures], queries: Sequence[str]) -> dict[str, float]:
    """Queries further below target count more, up to 3 times; weights average 1. Equal before any evaluation."""
    gaps = {query: figures[query].target - figures[query].lower_bound if query in figures else 0.0 for query in queries}
    raw = {query: 1 + (WEIGHT_RANGE - 1) * min(1.0, max(0.0, gap) / FAR_BELOW) for query, gap in gaps.items()}
    mean = sum(raw.values()) / len(raw)
    return {query: weight / mean for query, weight in raw.items()}


def turns(figures: Mapping[str, QueryFigures], queries: Sequence[str]) -> dict[str, int]:
    """Every how many steps a query joins: SELDOM far ahead of its target, which leaves the samples to the others.

    Every step before any evaluation, and where all are far ahead.
    """
    is_ahead = {query: query in figures and _is_far_ahead(figures[query]) for query in queries}
    everybody = all(is_ahead.values())
    return {query: SELDOM if is_ahead[query] and not everybody else 1 for query in queries}


def _is_far_ahead(found: QueryFigures) -> bool:
    return found.target_met and found.lower_bound >= found.target + FAR_AHEAD * (1 - found.target)
