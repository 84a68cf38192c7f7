"""The other baseline: the models that fit stay resident and take turns, the rest are not served. Nothing is swapped.

As compared with in Gemel (NSDI 2023, section 3.2). Which ones fit: whoever adds the fewest bytes to those already in,
so that as many as possible are served; shared layers count once.
"""

import functools
from collections.abc import Collection, Iterable, Sequence

from edge_runtime.scheduling.policies.base import Candidate, Situation
from edge_runtime.scheduling.words import ModelProfile, Profiles, missing_bytes


class SpaceSharing:
    evicts_layers = False

    def choose(self, situation: Situation, candidates: Sequence[Candidate]) -> Candidate | None:
        """The served slot that waits longest since its last visit."""
        served = served_slots(situation.profiles, situation.budget.usable_bytes)
        return max(
            (candidate for candidate in candidates if candidate.slot in served),
            key=lambda candidate: situation.idle_ms(candidate.slot),
            default=None,
        )

    def eviction_order(self, situation: Situation, slot: str) -> Iterable[Collection[str]]:
        """Only what served models do not use, such as what is left of a warm-up."""
        served = served_slots(situation.profiles, situation.budget.usable_bytes)
        kept = {digest for name in served for digest in situation.profiles.by_slot[name].tensors}
        return [situation.resident.tensors.keys() - kept]


@functools.lru_cache(maxsize=8)
def served_slots(profiles: Profiles, usable_bytes: int) -> frozenset[str]:
    """The slots whose models are resident together, with room for any of them to run one frame."""
    left, served = list(profiles.models), list[ModelProfile]()
    held: dict[str, int] = {}
    while left:
        following = min(left, key=lambda model: missing_bytes(model, held))
        left.remove(following)
        activations = max(model.batches[0].activation_bytes for model in (*served, following))
        if sum(held.values()) + missing_bytes(following, held) + activations > usable_bytes:
            continue
        held.update(following.tensors)
        served.append(following)
    return frozenset(model.slot for model in served)
