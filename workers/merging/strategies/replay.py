"""Lets a strategy be written as one search from start to end, and still depend on nothing but the history."""

from collections.abc import Generator, Iterable
from typing import TypeVar

from workers.merging.configuration import MergeConfiguration, SharedLayerGroup
from workers.merging.history import Attempt, History

Wanted = TypeVar("Wanted")


def replayed(search: Generator[Wanted, Attempt, None], attempts: Iterable[Attempt]) -> Wanted | None:
    """What `search` wants after these attempts, None when it is over.

    A search yields what it wants to try and is sent the attempt that came of it. It is replayed from its start every
    time, so it should yield something small and leave the making of configurations to its caller.
    """
    try:
        wanted = next(search)
        for attempt in attempts:
            wanted = search.send(attempt)
    except StopIteration:
        return None
    return wanted


def accepted_so_far(history: History) -> MergeConfiguration:
    return history.attempts[-1].accepted if history.attempts else MergeConfiguration()


def queries_meeting_targets(attempt: Attempt) -> frozenset[str]:
    """Of those that were measured in this attempt."""
    return frozenset(name for name, figures in attempt.figures.items() if figures.target_met)


def with_equal_weights(configuration: MergeConfiguration, maximal: MergeConfiguration) -> MergeConfiguration:
    """Queries of `configuration` that use the same weights already go on doing so in all their layers.

    Trained apart they would need more memory than before: these bytes count once already.
    """
    return configuration.with_groups(
        twins for group in maximal.ordered() for twins in _twins(group, configuration.queries)
    )


def _twins(group: SharedLayerGroup, queries: frozenset[str]) -> list[SharedLayerGroup]:
    contents = {place.content for place in group.places}
    if len(contents) == len(group.places):
        return []
    alike = (
        group.among(place for place in group.places if place.content == content and place.query in queries)
        for content in sorted(contents)
    )
    return [twins for twins in alike if twins is not None]
