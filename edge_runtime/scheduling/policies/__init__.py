"""The policies by name: one file each, one line here. How to add one: implement `base.Policy`, register it here."""

from edge_runtime.protocol.errors import GemelError
from edge_runtime.scheduling.policies.base import Policy
from edge_runtime.scheduling.policies.merge_aware import MergeAware
from edge_runtime.scheduling.policies.time_sharing import TimeSharing

DEFAULT_POLICY = "merge-aware"
POLICIES: dict[str, Policy] = {"time-sharing": TimeSharing(), "merge-aware": MergeAware()}


class UnknownPolicy(GemelError):
    code = "unknown_policy"


def policy_named(name: str) -> Policy:
    """Raises UnknownPolicy."""
    if name not in POLICIES:
        raise UnknownPolicy(f'There is no scheduling policy "{name}". Choose one of: {", ".join(sorted(POLICIES))}.')
    return POLICIES[name]
