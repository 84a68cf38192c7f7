"""The baseline: visits in a fixed round, whole models swapped, the most recently run one leaves first.

After Nexus (Shen et al., SOSP 2019) as used for comparison in Gemel (NSDI 2023, section 3.2): in a round, the model
that just ran is the one needed again last.
"""

from collections.abc import Iterable, Sequence

from edge_runtime.scheduling.policies.base import Candidate, Situation


class TimeSharing:
    def choose(self, situation: Situation, candidates: Sequence[Candidate]) -> Candidate:
        """The next slot of the round, in manifest order, that has frames waiting."""
        order = [model.slot for model in situation.profiles.models]
        ran = situation.resident.last_run
        last = max((slot for slot in order if slot in ran), key=lambda slot: ran[slot], default=order[-1])
        start = order.index(last) + 1
        return min(candidates, key=lambda candidate: (order.index(candidate.slot) - start) % len(order))

    def eviction_order(self, situation: Situation, slot: str) -> Iterable[tuple[str, ...]]:
        recent_first = sorted(situation.profiles.models, key=lambda model: situation.idle_ms(model.slot))
        return [tuple(model.tensors) for model in recent_first if model.slot != slot]
