"""The baseline: visits in a fixed round, whole models swapped, the most recently run one leaves first.

After Nexus (Shen et al., SOSP 2019) as used for comparison in Gemel (NSDI 2023, section 3.2): in a round, the model
that just ran is the one needed again last. It knows nothing of sharing: what it evicts takes shared layers along.
"""

from collections.abc import Collection, Iterable, Sequence

from edge_runtime.scheduling.policies.base import Candidate, Situation, last_slot, ring


class TimeSharing:
    evicts_layers = False

    def choose(self, situation: Situation, candidates: Sequence[Candidate]) -> Candidate | None:
        """The next slot of the round, in manifest order, that has frames waiting."""
        order = [model.slot for model in situation.profiles.models]
        position = {slot: place for place, slot in enumerate(ring(order, last_slot(situation) or order[-1])[1:])}
        return min(candidates, key=lambda candidate: position.get(candidate.slot, len(order)))

    def eviction_order(self, situation: Situation, slot: str) -> Iterable[Collection[str]]:
        recent_first = sorted(situation.profiles.models, key=lambda model: situation.idle_ms(model.slot))
        return (model.tensors.keys() for model in recent_first if model.slot != slot)
