"""Lets a strategy be written as one search from start to end, and still depend on nothing but the history."""

import itertools
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Generic, TypeVar

from workers.merging.configuration import MergeConfiguration, SharedLayerGroup
from workers.merging.history import Attempt, History

Wanted = TypeVar("Wanted")
Search = Generator[Wanted, Attempt, None]


class Replay(Generic[Wanted]):
    """Runs a search through a history. It yields what it wants to try and is sent the attempt that came of it.

    A history that goes on from the last one costs only what is new in it; any other is replayed from its start.
    """

    def __init__(self, search: Callable[[History], Search[Wanted]]) -> None:
        self._new_search = search
        self._search: Search[Wanted] | None = None
        self._history = History(MergeConfiguration())
        self._wanted: Wanted | None = None

    def wanted(self, history: History) -> Wanted | None:
        """What the search wants after this history, None when it is over."""
        search, before = self._search, self._history
        self._history = history
        try:
            if search is None or not _goes_on(before, history):
                search, before = self._new_search(history), replace(history, attempts=())
                self._search, self._wanted = search, next(search)
            for attempt in history.attempts[len(before.attempts) :]:
                self._wanted = search.send(attempt)
        except StopIteration:
            self._wanted = None
        return self._wanted


def _goes_on(before: History, history: History) -> bool:
    return (
        before.maximal is history.maximal
        and before.layers is history.layers
        and len(before.attempts) <= len(history.attempts)
        and all(old is new for old, new in zip(before.attempts, history.attempts, strict=False))
    )


def accepted_so_far(history: History) -> MergeConfiguration:
    return history.attempts[-1].accepted if history.attempts else MergeConfiguration()


def queries_meeting_targets(attempt: Attempt) -> frozenset[str]:
    """Of those that were measured in this attempt."""
    return frozenset(name for name, figures in attempt.figures.items() if figures.target_met)


def with_equal_weights(configuration: MergeConfiguration, maximal: MergeConfiguration) -> MergeConfiguration:
    """Queries of `configuration` that use the same weights already go on doing so in all their layers.

    Trained apart they would need more memory than before: these bytes count once already.
    """
    twins = (_twins(group, configuration.queries) for group in maximal.holding_equal_weights)
    return configuration.with_groups(itertools.chain.from_iterable(twins))


def _twins(group: SharedLayerGroup, queries: frozenset[str]) -> list[SharedLayerGroup]:
    contents = {place.content for place in group.places}
    alike = (
        group.among(place for place in group.places if place.content == content and place.query in queries)
        for content in sorted(contents)
    )
    return [twins for twins in alike if twins is not None]
