"""What a box is foretold to do: as it is, with a query added or changed, with a merged group approved."""

import copy
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from webapp.fleets.models import Box, Camera
from webapp.merges.models import MergedGroup, MergedGroupQuery
from webapp.merges.selectors import groups_waiting
from webapp.rollouts.foretelling import Foreteller, Foretold
from webapp.rollouts.models import BoxMeasurement, NetworkMeasurement
from webapp.workloads.models import Model, Query
from webapp.workloads.policies import check_numbers

_NOTABLE_LOSS = 0.01
_NEW = UUID(int=0)  # always the same, so that answers can be remembered


@dataclass(frozen=True)
class Terms:
    """What a person entered about a query. Raises InvalidInput when it could not be saved."""

    name: str
    rate_fps: float
    deadline_ms: int
    priority: float

    def __post_init__(self) -> None:
        check_numbers(1.0, self.rate_fps, self.deadline_ms, self.priority)


class Cost:
    """`before` and `after`: the box as it is, and with the query as entered."""

    def __init__(self, actor: Any, box: Box, subject: Query, *, is_new: bool) -> None:
        self.box, self.subject, self.is_new = box, subject, is_new
        self._foreteller = Foreteller(actor, box)
        queries = self._foreteller.queries  # in their order, by which the round goes and cameras are spread
        changed = [subject if query.id == subject.id else query for query in queries]
        self._queries = [*changed, subject] if is_new else changed
        self.before: Foretold = self._foreteller.foretell(self._foreteller.queries)
        self.after: Foretold = self._foreteller.foretell(self._queries)
        self.groups = groups_waiting(actor).filter(run__box=box)

    @property
    def measurement(self) -> BoxMeasurement | None:
        return self._foreteller.measurement

    @property
    def added_bytes(self) -> int:
        return self.after.proposal.weight_bytes - self.before.proposal.weight_bytes

    @property
    def own_in_time(self) -> float | None:
        return self.after.assessment.by_query[str(self.subject.id)] if self.after.assessment else None

    @property
    def is_too_much(self) -> bool:
        """Asks for a confirmation: the box would lose frames, and a change makes that worse, or could not run it."""
        before, after = self.before.assessment, self.after.assessment
        if after is None:
            return self.after.proposal.plan is not None
        is_worse = self.is_new or before is None or after.in_time < before.in_time - _NOTABLE_LOSS
        return not after.is_met and is_worse

    @property
    def help(self) -> tuple[str, ...]:
        return self._foreteller.help(self.after, self._queries, str(self.subject.id))


def cost_of_adding(actor: Any, camera: Camera, model: Model, terms: Terms) -> Cost:
    query = Query(id=_NEW, camera=camera, model=model, name=terms.name or "being added")
    return Cost(actor, camera.box, _with(query, terms), is_new=True)


def cost_of_changing(actor: Any, query: Query, terms: Terms) -> Cost:
    return Cost(actor, query.camera.box, _with(copy.copy(query), terms), is_new=False)


@dataclass(frozen=True)
class Load:
    """A box's workload as it is. `measurement` is None where the box told nothing; `networks`: most recent first."""

    measurement: BoxMeasurement | None
    networks: tuple[NetworkMeasurement, ...]
    foretold: Foretold
    help: tuple[str, ...]


def load_of(actor: Any, box: Box) -> Load:
    foreteller = Foreteller(actor, box)
    foretold = foreteller.foretell(foreteller.queries)
    measurement = foreteller.measurement
    networks = measurement.networks.order_by("-measured_at", "architecture") if measurement else ()
    return Load(measurement, tuple(networks), foretold, foreteller.help(foretold, foreteller.queries))


@dataclass(frozen=True)
class Approval:
    """`with_group` and `without_group`: the box's workload with the merged group approved, and not."""

    without_group: Foretold
    with_group: Foretold


def approval_of(actor: Any, group: MergedGroup) -> Approval:
    """Foretold for the queries that the box has now; members that are gone or have another model do not count."""
    foreteller = Foreteller(actor, group.run.box)
    rows = MergedGroupQuery.objects.filter(group=group, query__isnull=False)
    current = {query.id: query.model_id for query in foreteller.queries}
    members = {row.query_id: row for row in rows if current.get(row.query_id) == row.model_id}
    others = {query: row for query, row in foreteller.merged.items() if row.group_id != group.id}
    giving_way = {row.group_id for query, row in others.items() if query in members}
    kept = {query: row for query, row in others.items() if row.group_id not in giving_way}
    return Approval(
        without_group=foreteller.foretell(foreteller.queries, others),
        with_group=foreteller.foretell(foreteller.queries, kept | members),
    )


def _with(query: Query, terms: Terms) -> Query:
    query.rate_fps, query.deadline_ms, query.priority = terms.rate_fps, terms.deadline_ms, terms.priority
    return query
