"""optimistic (ours, the default): start from everything shared, and un-share only where sharing is shown to hurt.

The paper adds one group at a time and retrains for each; on small models sharing all at once reached the same saving
with a sixth of the samples. What un-sharing leaves goes on from the weights reached so far.

What holds already is accepted on the way, without the queries that do not: savings start early, and one query that
never holds costs the others nothing. A configuration that failed in part is tried a second time from the weights that
hold, before anything is un-shared: there the others need little training, and the one that missed joins them at a low
rate.

Every other rejected attempt gives up at least one place of every failing merged group, and the share given up doubles,
so the search ends after a handful of attempts.
"""

from collections.abc import Sequence
from typing import ClassVar

from workers.merging.configuration import LayerPlace, MergedGroup
from workers.merging.history import Attempt, History, Proposal, Start

FIRST_SHARE = 0.1  # of a failing merged group's saved bytes, given up after its first rejection
GROWTH = 2.0


class Optimistic:
    name: ClassVar[str] = "optimistic"
    has_accuracy_targets: ClassVar[bool] = True
    keeps_partial_success: ClassVar[bool] = False
    accepts_on_the_way: ClassVar[bool] = True
    reads_conflict: ClassVar[bool] = True

    def next_proposal(self, history: History) -> Proposal | None:
        if not history.attempts:
            return Proposal(history.maximal) if history.maximal.groups else None
        last = history.attempts[-1]
        if not last.rejected_groups:
            return None
        if _deserves_second_try(history):
            return Proposal(last.configuration, Start.ACCEPTED)
        tried = {attempt.configuration for attempt in history.attempts}
        share = min(1.0, FIRST_SHARE * GROWTH ** (len(tried) - 1))
        leaving = [place for merged in _failing(last) for place in places_to_give_up(merged, last, share)]
        following = last.configuration.without_places(leaving)
        return Proposal(following) if following.groups - last.accepted.groups else None


def _deserves_second_try(history: History) -> bool:
    """Where every failing merged group holds in part: without such a part it would go the same way again."""
    last = history.attempts[-1]
    times = sum(attempt.configuration == last.configuration for attempt in history.attempts)
    return times == 1 and all(not last.accepted.queries.isdisjoint(merged.queries) for merged in _failing(last))


def _failing(attempt: Attempt) -> list[MergedGroup]:
    return [merged for merged in attempt.configuration.merged_groups if not merged.groups <= attempt.accepted.groups]


def places_to_give_up(merged: MergedGroup, attempt: Attempt, share: float) -> Sequence[LayerPlace]:
    """The places whose queries gain most per byte, worth at least `share` of the group's saving; at least one.

    Only queries that miss their target get weights of their own back: the others have nothing to gain.
    """
    failing = {query for query in merged.queries if _misses_target(query, attempt)} or set(merged.queries)
    candidates = [
        (attempt.conflict.get(place, 0.0), group.size_bytes, place)
        for group in merged.groups
        for place in group.places
        if place.query in failing
    ]
    candidates.sort(key=lambda candidate: (-candidate[0], candidate[1], candidate[2]))
    wanted = share * sum(group.saved_bytes for group in merged.groups)
    chosen: list[LayerPlace] = []
    given_up = 0.0
    for _, cost, place in candidates:
        if chosen and given_up >= wanted:
            break
        chosen.append(place)
        given_up += cost
    return chosen


def _misses_target(query: str, attempt: Attempt) -> bool:
    figures = attempt.figures.get(query)
    return figures is None or not figures.target_met
