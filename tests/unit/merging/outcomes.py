"""Merge searches on made-up layers, with made-up outcomes in the place of training."""

from collections.abc import Callable, Iterable

from workers.merging.configuration import LayerPlace, MergeConfiguration, SharedLayerGroup
from workers.merging.events import Basis, QueryFigures
from workers.merging.history import Attempt, History, Proposal, Strategy

Judge = Callable[[MergeConfiguration, str], bool]  # whether a query meets its target under a configuration


def place(query: str, layer: str) -> LayerPlace:
    return LayerPlace(query, layer, f"{query}/{layer}")


def group(queries: Iterable[str], layer: str, size: int = 10, signature: str = "s") -> SharedLayerGroup:
    return SharedLayerGroup(signature, size, tuple(place(query, layer) for query in sorted(queries)))


def configuration(*groups: SharedLayerGroup) -> MergeConfiguration:
    return MergeConfiguration(frozenset(groups))


def figures(name: str, *, is_met: bool) -> QueryFigures:
    return QueryFigures(name, 1.0, 0.9, 0.9, 0.9, 0.9, Basis.RELATIVE_ACCURACY, 0.95, is_met)


def attempt(proposal: Proposal, history: History, judge: Judge) -> Attempt:
    """What a trial would make of it: whole merged groups are accepted, where each of their queries meets its target."""
    kept = history.attempts[-1].accepted.groups if history.attempts else frozenset()
    found: dict[str, QueryFigures] = {}
    accepted = set(kept)
    for merged in proposal.configuration.merged_groups:
        if merged.groups <= kept:
            continue
        found |= {name: figures(name, is_met=judge(proposal.configuration, name)) for name in merged.queries}
        if all(found[name].target_met for name in merged.queries):
            accepted = {group for group in accepted if group.queries.isdisjoint(merged.queries)} | merged.groups
    return Attempt(proposal.configuration, MergeConfiguration(frozenset(accepted)), found)


def search(strategy: Strategy, history: History, judge: Judge, limit: int = 1000) -> tuple[History, list[Proposal]]:
    """The whole search, and what was proposed on the way. Fails when it does not end."""
    proposals: list[Proposal] = []
    while (proposal := strategy.next_proposal(history)) is not None:
        proposals.append(proposal)
        outcome = attempt(proposal, history, judge)
        history = History(history.maximal, (*history.attempts, outcome), history.layers)
        assert len(proposals) <= limit, "The search does not end."
    return history, proposals


def shares(configuration: MergeConfiguration, query: str, layer: str) -> bool:
    return place(query, layer) in configuration.group_at
