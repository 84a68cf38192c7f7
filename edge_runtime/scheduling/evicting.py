"""How many of the tensors that a policy gives up really leave: as few as a visit needs. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from edge_runtime.scheduling.policies.base import Policy, Situation
from edge_runtime.scheduling.words import ModelProfile, sum_bytes


class Evictions:
    """For a visit of `model`: its own tensors stay, those of no model go first, then the policy decides.

    Each `until` goes on where the last one ended, so asking for ever more room costs no more than asking once.
    """

    def __init__(self, situation: Situation, model: ModelProfile, policy: Policy) -> None:
        self._held: Mapping[str, int] = situation.resident.tensors
        self._keeps: Collection[str] = model.tensors.keys()
        self._by_layer = policy.evicts_layers
        self._groups: Iterator[Collection[str]] = iter(_groups(situation, model, policy))
        self._chosen: dict[str, int] = {}
        self._freed = 0

    def until(self, excess_bytes: int) -> tuple[str, ...] | None:
        """Digests to evict so that at least `excess_bytes` come free; None where that is impossible."""
        if excess_bytes <= 0:
            return ()
        while self._freed < excess_bytes:
            group = next(self._groups, None)
            if group is None:
                return None
            for digest in group:
                if digest in self._held and digest not in self._keeps and digest not in self._chosen:
                    self._chosen[digest] = self._held[digest]
                    self._freed += self._held[digest]
        return self._without_surplus(excess_bytes) if self._by_layer else tuple(self._chosen)

    def _without_surplus(self, excess_bytes: int) -> tuple[str, ...]:
        """A large layer at the end may make smaller ones before it unnecessary: what is needed soonest stays."""
        surplus, leaving = self._freed - excess_bytes, dict(self._chosen)
        for digest in reversed(self._chosen):
            if leaving[digest] <= surplus:
                surplus -= leaving.pop(digest)
        return tuple(leaving)


def _groups(situation: Situation, model: ModelProfile, policy: Policy) -> Iterable[Collection[str]]:
    yield [digest for digest in situation.resident.tensors if digest not in situation.profiles.users]
    yield from policy.eviction_order(situation, model.slot)


def reload_ms(situation: Situation, evicted: Collection[str]) -> float:
    """What it costs to bring back those of `evicted` that a model uses."""
    used = [digest for digest in evicted if digest in situation.profiles.users]
    return situation.budget.load_ms(sum_bytes(situation.resident.tensors, used))
