"""What merging could save at best: profiles as if all layers that are alike held one copy of their weights. Pure.

An upper bound for advice. What a merge run really shares is decided by accuracy, which nothing here knows.
"""

from collections.abc import Mapping

from edge_runtime.scheduling.words import ModelProfile, Profiles

# By slot and tensor digest: what stands for that tensor and for all that are like it in other slots.
Likeness = Mapping[str, Mapping[str, str]]


def as_if_merged(profiles: Profiles, likeness: Likeness) -> Profiles:
    return Profiles(tuple(_renamed(model, likeness.get(model.slot, {})) for model in profiles.models))


def likeness_by_network(profiles: Profiles, networks: Mapping[str, str]) -> Likeness:
    """Tensors at the same position, and of the same size, of slots that run the same network (`networks`, by slot)."""
    return {
        model.slot: {
            digest: f"{networks[model.slot]} {position} {size_bytes}"
            for position, (digest, size_bytes) in enumerate(model.tensors.items())
        }
        for model in profiles.models
        if model.slot in networks
    }


def _renamed(model: ModelProfile, names: Mapping[str, str]) -> ModelProfile:
    tensors = {names.get(digest, digest): size_bytes for digest, size_bytes in model.tensors.items()}
    return ModelProfile(model.slot, tensors, model.batches, model.switch_ms)
