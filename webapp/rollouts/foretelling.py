"""Foretells what a box would do, for pages: reads what is known, asks edge_runtime.scheduling, remembers answers."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from django.core.cache import cache
from django.db.models import QuerySet
from django.utils.translation import gettext

from edge_runtime.scheduling.admission import BudgetTooSmall
from edge_runtime.scheduling.advice import Known, advice, verdict
from edge_runtime.scheduling.assessment import Assessment, Plan, assess
from webapp.fleets.models import Box
from webapp.fleets.selectors import sites_of
from webapp.merges.models import MergedGroupQuery
from webapp.merges.running import approved_members
from webapp.rollouts.admission import Figures, Network, Proposal, figures_for, likeness_of, network_of, proposal
from webapp.rollouts.models import BoxMeasurement, NetworkMeasurement
from webapp.workloads.models import Query
from webapp.workloads.selectors import workload

REMEMBERED_S = 600
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Foretold:
    """What a box would do with a workload. `assessment` is None where that cannot be said; `problem` then says why."""

    proposal: Proposal
    assessment: Assessment | None
    problem: str = ""


class Foreteller:
    """Of one box; `actor` may be told of boxes of their sites only."""

    def __init__(self, actor: Any | None, box: Box) -> None:
        self._actor = actor
        self.queries = workload(box)
        self.merged = approved_members(box)
        self.measurement = BoxMeasurement.objects.filter(box=box).first()
        self._figures: dict[Network, Figures | None] = {}

    def foretell(self, queries: Sequence[Query], merged: Mapping[UUID, MergedGroupQuery] | None = None) -> Foretold:
        """As if `queries` were all of the box's; `merged`: as if those were the approved members."""
        asked = proposal(queries, self.merged if merged is None else merged, self.measurement, self._known(queries))
        if self.measurement is None:
            why = gettext("The box has not told yet what it measured, so its frames cannot be foretold.")
            return Foretold(asked, None, why)
        if asked.plan is None:
            words = gettext("%(networks)s never ran on this box or one like it: what it takes shows then.")
            return Foretold(asked, None, words % {"networks": gettext(" and ").join(asked.unknown)})
        try:
            return Foretold(asked, _remembered("assess", asked.plan, lambda: assess(asked.plan)))
        except BudgetTooSmall as error:
            return Foretold(asked, None, str(error.naming({str(query.id): [query.name] for query in queries})))

    def help(self, foretold: Foretold, queries: Sequence[Query], subject: str = "") -> tuple[str, ...]:
        """The verdict and what would help; empty where all is met or nothing is known."""
        plan, assessment = foretold.proposal.plan, foretold.assessment
        if plan is None or assessment is None or assessment.is_met:
            return ()
        known = Known({str(query.id): query.name for query in queries}, subject, likeness_of(queries, self.merged))
        return _remembered(
            f"help {sorted(known.names.items())} {subject}",
            plan,
            lambda: (verdict(assessment, known), *advice(plan, assessment, known)),
        )

    def _known(self, queries: Sequence[Query]) -> Mapping[Network, Figures | None]:
        networks = {network_of(query.model) for query in queries} - self._figures.keys()
        if networks and self.measurement is not None:
            here = list(self.measurement.networks.all())
            found = {network: figures_for(network, here, ()) for network in networks}
            if elsewhere := {network for network, figures in found.items() if figures is None}:
                like = list(self._measured_alike(self.measurement, elsewhere))
                found |= {network: figures_for(network, (), like) for network in elsewhere}
            self._figures |= found
        return self._figures

    def _measured_alike(self, own: BoxMeasurement, networks: set[Network]) -> QuerySet[NetworkMeasurement]:
        """The newest of each network: a thousand boxes of the same hardware have measured the same ones."""
        rows = NetworkMeasurement.objects.filter(
            measurement__hardware=own.hardware,
            measurement__box__site__in=sites_of(self._actor),
            architecture__in={network.architecture for network in networks},
        )
        kinds = ("architecture", "input_height", "input_width", "class_count")
        newest = rows.exclude(measurement=own).order_by(*kinds, "-measured_at").distinct(*kinds)
        return newest.select_related("measurement__box")


def _remembered(what: str, plan: Plan, work: Callable[[], Answer]) -> Answer:
    """Typing goes back and forth, and the box as it is now is asked for every time."""
    content = hashlib.sha256(f"{what} {plan.policy} {plan.budget} {plan.workload}".encode())
    for model in plan.profiles.models:
        content.update(f"{model.slot} {model.batches} {sorted(model.tensors)}".encode())
    answer: Answer = cache.get_or_set(f"foretold.{content.hexdigest()}", work, REMEMBERED_S)
    return answer
