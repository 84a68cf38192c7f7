"""The default: models that share most are neighbours in the round, and only missing layers are loaded.

Gemel (NSDI 2023, section 5.4), with three things of our own: a visit is chosen by frames per millisecond of load and
run, an urgent frame goes first where that costs the other visit nothing, and memory is freed tensor by tensor.
"""

from collections.abc import Iterable, Sequence

from edge_runtime.scheduling.policies.base import Candidate, Situation

# A slot with frames waiting is visited at the latest after this many rounds of all waiting slots: below 1 the order by
# yield would never get a say, far above it a model that is cheap to keep would starve the ones that are not loaded.
PATIENCE_ROUNDS = 2.0


class MergeAware:
    def choose(self, situation: Situation, candidates: Sequence[Candidate]) -> Candidate:
        starving = _most_starving(situation, candidates)
        if starving is not None:
            return starving
        order = _ring_from_last(situation)
        best = max(candidates, key=lambda candidate: (_yield(candidate), -order.index(candidate.slot)))
        urgent = min(candidates, key=lambda candidate: candidate.slack_ms)
        if 0 <= urgent.slack_ms < best.cost_ms and best.slack_ms >= urgent.cost_ms:
            return urgent
        return best

    def eviction_order(self, situation: Situation, slot: str) -> Iterable[tuple[str, ...]]:
        """Tensors by their next use in the ring from `slot`, farthest first; larger ones first among equals."""
        ring = _ring(situation, slot)
        distance = {name: position for position, name in enumerate(ring)}
        users = situation.profiles.users
        sizes = situation.resident.tensors

        def by_next_use(digest: str) -> tuple[int, int, str]:
            return -min(distance[user] for user in users[digest]), -sizes[digest], digest

        return [(digest,) for digest in sorted((digest for digest in sizes if digest in users), key=by_next_use)]


def _yield(candidate: Candidate) -> float:
    """Frames per ms. A visit whose frames will all be lost to its load still finds newer ones after it: one counts."""
    return max(candidate.frames, 1) / max(candidate.cost_ms, 1e-3)


def _most_starving(situation: Situation, candidates: Sequence[Candidate]) -> Candidate | None:
    round_ms = sum(
        situation.budget.load_ms(candidate.model.weight_bytes) + candidate.run_ms for candidate in candidates
    )
    longest = max(candidates, key=lambda candidate: situation.idle_ms(candidate.slot))
    return longest if situation.idle_ms(longest.slot) > PATIENCE_ROUNDS * round_ms else None


def _ring(situation: Situation, first: str) -> tuple[str, ...]:
    order = situation.profiles.visit_order
    start = order.index(first)
    return order[start:] + order[:start]


def _ring_from_last(situation: Situation) -> tuple[str, ...]:
    order, ran = situation.profiles.visit_order, situation.resident.last_run
    return _ring(situation, max(order, key=lambda slot: ran.get(slot, float("-inf"))))
