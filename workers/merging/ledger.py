"""What a merge run has accepted so far, and the bytes before and after, measured over distinct tensors."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from edge_runtime.protocol.manifest import TensorEntry
from workers.merging.bundle import BundledQuery
from workers.merging.configuration import MergeConfiguration
from workers.merging.memory import State, model_entries, workload_bytes
from workers.merging.queries import MergingQuery
from workers.merging.result import MergedGroupResult, QueryResult, group_name, shared_layers
from workers.merging.run_state import AcceptedState
from workers.merging.shipped import snapshot
from workers.merging.trial import AcceptedGroup

Entries = Mapping[str, TensorEntry]


@dataclass(frozen=True)
class _Original:
    state: State
    entries: Entries


class Ledger:
    """Queries in the workload's order. A query belongs to at most one accepted merged group."""

    def __init__(self, queries: Sequence[MergingQuery]) -> None:
        self._queries = tuple(queries)
        states = {query.name: snapshot(query.original) for query in queries}
        self._originals = {name: _Original(state, model_entries(state)) for name, state in states.items()}
        self._accepted: dict[str, AcceptedGroup] = {}
        self._merged_entries: dict[str, Entries] = {}
        self.bytes_before = self.bytes_with({})

    def original_entries(self, query: str) -> Entries:
        return self._originals[query].entries

    def weights(self, query: str) -> State:
        """What the query runs now: the merged weights that were accepted, or its original's."""
        group = self._group_of(query)
        return self._originals[query].state if group is None else group.states[query]

    def bytes_with(self, merged: Mapping[str, Entries]) -> int:
        """Bytes of the workload if these queries ran these tensors and the others what they run now."""
        now = {name: original.entries for name, original in self._originals.items()}
        return workload_bytes({**now, **self._merged_entries, **merged})

    @property
    def bytes_after(self) -> int:
        return self.bytes_with({})

    @property
    def configuration(self) -> MergeConfiguration:
        return MergeConfiguration(frozenset(g for group in self._accepted.values() for g in group.merged.groups))

    def accept(self, group: AcceptedGroup) -> None:
        """Earlier groups that share a query with this one give way to it."""
        for name, earlier in list(self._accepted.items()):
            if not set(earlier.merged.queries).isdisjoint(group.merged.queries):
                del self._accepted[name]
                for query in earlier.merged.queries:
                    self._merged_entries.pop(query)
        self._accepted[group_name(group.merged)] = group
        self._merged_entries.update({query: model_entries(state) for query, state in group.states.items()})

    def state(self) -> tuple[AcceptedState, ...]:
        return tuple(
            AcceptedState(group.merged, dict(group.validation), dict(group.test), dict(group.details))
            for group in self._accepted.values()
        )

    def restore(self, accepted: Iterable[AcceptedState], weights: Mapping[str, State]) -> None:
        """Takes over what `state` gave; `weights`: of every query in it."""
        for group in accepted:
            states = {query: weights[query] for query in group.merged.queries}
            self.accept(AcceptedGroup(group.merged, states, group.validation, group.test, group.details))

    def bundled(self) -> tuple[BundledQuery, ...]:
        return tuple(self._bundled(query) for query in self._queries)

    def _bundled(self, query: MergingQuery) -> BundledQuery:
        group = self._group_of(query.name)
        return BundledQuery(
            query.name,
            query.part.task,
            query.spec,
            self._originals[query.name].state,
            None if group is None else group.states[query.name],
            None if group is None else group_name(group.merged),
        )

    def _group_of(self, query: str) -> AcceptedGroup | None:
        return next((group for group in self._accepted.values() if query in group.merged.queries), None)

    def merged_groups(self) -> tuple[MergedGroupResult, ...]:
        return tuple(self._merged_group(name, group) for name, group in sorted(self._accepted.items()))

    def _merged_group(self, name: str, group: AcceptedGroup) -> MergedGroupResult:
        queries = group.merged.queries
        return MergedGroupResult(
            name=name,
            queries=queries,
            bytes_before=workload_bytes({query: self._originals[query].entries for query in queries}),
            bytes_after=workload_bytes({query: self._merged_entries[query] for query in queries}),
            shared_layers=shared_layers(MergeConfiguration(group.merged.groups)),
        )

    def query_results(self) -> tuple[QueryResult, ...]:
        return tuple(self._query_result(query) for query in self._queries)

    def _query_result(self, query: MergingQuery) -> QueryResult:
        group = self._group_of(query.name)
        if group is None:
            return QueryResult(query.name, query.part.accuracy_target, None, None, None)
        return QueryResult(
            query.name,
            query.part.accuracy_target,
            group_name(group.merged),
            group.validation[query.name],
            group.test[query.name],
            group.details.get(query.name),
        )
