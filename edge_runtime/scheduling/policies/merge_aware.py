"""The paper's way with merged models: those that share most are neighbours in the round, only missing layers load.

Gemel (NSDI 2023, section 5.4). Swaps model by model, as its baseline does, but a layer that a model still to come
uses stays.
"""

from collections.abc import Collection, Iterable, Sequence

from edge_runtime.scheduling.policies.base import Candidate, Situation, last_slot, released, ring


class MergeAware:
    evicts_layers = False

    def choose(self, situation: Situation, candidates: Sequence[Candidate]) -> Candidate | None:
        """The next slot, with frames waiting, of the ring in which neighbours share most."""
        order = situation.profiles.visit_order
        position = {slot: place for place, slot in enumerate(ring(order, last_slot(situation) or order[-1])[1:])}
        return min(candidates, key=lambda candidate: position.get(candidate.slot, len(order)))

    def eviction_order(self, situation: Situation, slot: str) -> Iterable[Collection[str]]:
        """Model by model, the one that the ring comes to last first, without what others before it need."""
        return released(situation.profiles, reversed(ring(situation.profiles.visit_order, slot)))
