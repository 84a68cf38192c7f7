"""The default, ours: by deadline and by what is missing in memory; layers that are not needed soon leave, no more.

- What to visit: while all waiting visits can be in time when run by deadline, the most urgent. Otherwise the one with
  most frames per ms of load and run. In both cases a model that is ready goes first where that makes no visit late that
  can be in time (Moore and Hodgson, 1968, weighed by frames per ms; n log n in the number of models): meanwhile the
  layers of the one that it is preferred to are copied.
- What leaves: layers by the next deadline of anybody who uses them, farthest first; a shared layer has the most urgent
  of its users, and a camera that is silent has none. The scheduler keeps back whatever is more than needed.
"""

import heapq
import math
from collections.abc import Collection, Iterable, Sequence

from edge_runtime.scheduling.policies.base import Candidate, Situation, most_starving, released


class Layerwise:
    evicts_layers = True

    def choose(self, situation: Situation, candidates: Sequence[Candidate]) -> Candidate | None:
        starving = most_starving(situation, candidates)
        if starving is not None:
            return starving
        in_time = _in_time(situation.now, candidates)
        ready = _ready_beside(situation.now, in_time)
        if ready is not None:
            return ready
        if len(in_time) == len(candidates):
            return in_time[0]
        return max(candidates, key=lambda candidate: candidate.value_per_ms)

    def eviction_order(self, situation: Situation, slot: str) -> Iterable[Collection[str]]:
        """Layer by layer: slots by their next deadline, farthest first; silent ones before all, by their last run."""

        def next_use(name: str) -> tuple[float, float]:
            return situation.next_due_at.get(name, math.inf), situation.idle_ms(name)

        farthest_first = sorted(
            (name for name in situation.profiles.by_slot if name != slot), key=next_use, reverse=True
        )
        sizes, users = situation.resident.tensors, situation.profiles.users

        def private_then_large(digest: str) -> tuple[bool, int]:
            return len(users[digest]) > 1, -sizes[digest]

        for group in released(situation.profiles, (*farthest_first, slot)):
            for digest in sorted((digest for digest in group if digest in sizes), key=private_then_large):
                yield (digest,)


def _in_time(now: float, candidates: Sequence[Candidate]) -> list[Candidate]:
    """By deadline, those that can all be visited in time one after the other, after giving up the least valuable.

    Of equals the last is given up, and whoever has not run for longest is first: or one of them would run for ever.
    """
    kept: list[tuple[float, int]] = []
    ends_at = now
    by_deadline = sorted(candidates, key=lambda candidate: (candidate.due_at, -candidate.passed_over_ms))
    for number, candidate in enumerate(by_deadline):
        heapq.heappush(kept, (candidate.value_per_ms, -number))
        ends_at += candidate.cost_ms / 1000
        if ends_at > candidate.due_at:
            _, given_up = heapq.heappop(kept)
            ends_at -= by_deadline[-given_up].cost_ms / 1000
    return [by_deadline[number] for number in sorted(-number for _, number in kept)]


def _ready_beside(now: float, in_time: Sequence[Candidate]) -> Candidate | None:
    """The first that needs no load and delays nobody before it beyond its deadline."""
    ends_at, spare_ms = now, math.inf
    for candidate in in_time:
        if not candidate.load_ms and candidate.run_ms <= spare_ms:
            return candidate
        ends_at += candidate.cost_ms / 1000
        spare_ms = min(spare_ms, 1000 * (candidate.due_at - ends_at))
    return None
