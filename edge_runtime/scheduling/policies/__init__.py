"""The policies by name: one file each, one line here. How to add one: implement `base.Policy`, register it here."""

from edge_runtime.protocol.errors import GemelError
from edge_runtime.scheduling.policies.base import Policy
from edge_runtime.scheduling.policies.layerwise import Layerwise
from edge_runtime.scheduling.policies.merge_aware import MergeAware
from edge_runtime.scheduling.policies.space_sharing import SpaceSharing
from edge_runtime.scheduling.policies.time_sharing import TimeSharing

DEFAULT_POLICY = "layerwise"
POLICIES: dict[str, Policy] = {
    "layerwise": Layerwise(),
    "merge-aware": MergeAware(),
    "space-sharing": SpaceSharing(),
    "time-sharing": TimeSharing(),
}


class UnknownPolicy(GemelError):
    code = "unknown_policy"


def policy_named(name: str) -> Policy:
    """Raises UnknownPolicy."""
    if name not in POLICIES:
        raise UnknownPolicy(f'There is no scheduling policy "{name}". Choose one of: {", ".join(sorted(POLICIES))}.')
    return POLICIES[name]
