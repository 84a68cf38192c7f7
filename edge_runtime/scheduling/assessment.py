"""Whether a box will do what it is asked, and how much of it: admission by simulation. Pure; for what helps see advice.

As exact as profiles are: the policies that run the box replay its workload. So nothing is promised of a workload whose
cameras, link or models behave otherwise than they were measured. Some hundred frames and coarse profiles
(`coarsening`) answer in a fraction of a second, within a few percent of what a long simulation finds.
"""

from dataclasses import dataclass, field, replace

from edge_runtime.scheduling.admission import full_budget, require_fits
from edge_runtime.scheduling.coarsening import coarse
from edge_runtime.scheduling.policies import DEFAULT_POLICY
from edge_runtime.scheduling.simulation import Outcome, simulate
from edge_runtime.scheduling.words import Budget, Profiles
from edge_runtime.scheduling.workload import QueryLoad, Workload

TOLERATED_LOSS = 0.05  # of the frames: below it nobody is alarmed
QUICK_FRAMES = 160
_LEAST_S, _LEAST_PERIODS, _STRETCH = 2.0, 4, 2  # a slow query gets periods enough, within so many times the frames
_LEAST_ROUNDS, _LONGEST_ROUNDS_S = 3, 12.0
_WARM_UP_S = 0.5


@dataclass(frozen=True)
class Plan:
    """A workload on a box as it was measured."""

    workload: Workload
    profiles: Profiles
    budget: Budget
    policy: str = DEFAULT_POLICY

    @property
    def impossible(self) -> tuple[QueryLoad, ...]:
        """Queries whose deadline is shorter than one run of their model, even if it never has to be loaded."""
        return tuple(query for query in self.workload.queries if query.deadline_ms < self.run_ms(query))

    def run_ms(self, query: QueryLoad) -> float:
        return self.profiles.by_slot[query.slot].batches[0].run_ms


@dataclass(frozen=True)
class Assessment:
    """Shares. `in_time`: of all frames; `lost`: of the frames of each query that loses more than is tolerated.

    `computing` and `swapping`: of the time, for running models and for waiting for copies.
    """

    in_time: float = 1.0
    by_query: dict[str, float] = field(default_factory=dict)
    lost: dict[str, float] = field(default_factory=dict)
    computing: float = 0.0
    swapping: float = 0.0

    @property
    def is_met(self) -> bool:
        return not self.lost


def assess(plan: Plan, frames: int = QUICK_FRAMES) -> Assessment:
    """From about `frames` simulated frames, more where a query is slow.

    Raises BudgetTooSmall for a budget that cannot hold a model, SlotUnprofiled for a query without a model.
    """
    require_fits(plan.profiles.models, plan.budget, plan.workload.by_slot())
    if not plan.workload.queries:
        return Assessment()
    plan = coarsened(plan)
    outcome = _outcome(plan, frames)
    return Assessment(
        in_time=outcome.processed_fraction,
        by_query={query.query: 1 - query.lost_fraction for query in outcome.queries},
        lost=_lost(plan, outcome),
        computing=min(outcome.running_s / outcome.seconds, 1.0),
        swapping=min(outcome.stalled_s / outcome.seconds, 1.0),
    )


def coarsened(plan: Plan) -> Plan:
    return replace(plan, profiles=coarse(plan.profiles))


def is_met(plan: Plan, frames: int = QUICK_FRAMES) -> bool:
    """As assess(plan).is_met, sooner: it ends as soon as too much is lost. `plan` should be coarse."""
    tolerated = TOLERATED_LOSS * _seconds(plan, frames) * sum(query.rate_fps for query in plan.workload.queries)
    outcome = _outcome(plan, frames, enough_lost=int(tolerated) + 2)
    return not _lost(plan, outcome)


def _outcome(plan: Plan, frames: int, enough_lost: int | None = None) -> Outcome:
    return simulate(
        plan.workload,
        plan.profiles,
        plan.budget,
        plan.policy,
        seconds=_seconds(plan, frames),
        warm_up_s=_WARM_UP_S,
        starts_full=True,
        enough_lost=enough_lost,
    )


def _seconds(plan: Plan, frames: int) -> float:
    """For `frames` frames, longer where swapping makes a round of all models long: there visits, and work, are few."""
    rates = [query.rate_fps for query in plan.workload.queries]
    seconds = frames / sum(rates)
    models, budget = plan.profiles.models, plan.budget
    lacking = max(1 - budget.limit_bytes / full_budget(models, budget.overhead_bytes), 0.0)
    round_ms = sum(lacking * budget.load_ms(one.weight_bytes) + one.batches[0].run_ms for one in models)
    rounds_s = _LEAST_ROUNDS * round_ms / 1000 if lacking else 0.0
    slowest_s = min(_LEAST_PERIODS / min(rates), _STRETCH * seconds)
    return max(_LEAST_S, seconds, slowest_s, min(rounds_s, _LONGEST_ROUNDS_S))


def _lost(plan: Plan, outcome: Outcome) -> dict[str, float]:
    """A query that loses one frame of few is no evidence; one that cannot be in time needs none."""
    hopeless = {query.query for query in plan.impossible}
    is_much = outcome.processed_fraction < 1 - TOLERATED_LOSS
    return {
        query.query: 1.0 if query.query in hopeless else query.lost_fraction
        for query in outcome.queries
        if query.query in hopeless
        or query.captured - query.processed > TOLERATED_LOSS * query.captured + (0 if is_much else 1)
    }
