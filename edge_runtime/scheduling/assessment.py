"""Whether a box will do what it is asked, and what would help if not: admission by simulation. Pure.

Exact where profiles are: the policies that run the box replay its workload. So nothing is promised of a workload whose
cameras, link or models behave otherwise than they were measured.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from edge_runtime.protocol.sizes import format_size
from edge_runtime.scheduling.admission import full_budget, require_fits
from edge_runtime.scheduling.policies import DEFAULT_POLICY
from edge_runtime.scheduling.simulation import Outcome, simulate
from edge_runtime.scheduling.words import Budget, Profiles
from edge_runtime.scheduling.workload import QueryLoad, Workload

TOLERATED_LOSS = 0.05  # of a query's frames: below it nobody is alarmed
_WARM_UP_S = 2.0
_LEAST_S, _LONGEST_S, _FRAMES = 5.0, 15.0, 30  # simulated: what the slowest query takes for so many frames
_RATE_STEPS = 4


@dataclass(frozen=True)
class Assessment:
    """`lost`: share of frames by query, of those that lose more than TOLERATED_LOSS. `advice`: sentences, best first.

    `computing` and `swapping`: shares of the time that go into running models and waiting for copies.
    """

    lost: dict[str, float]
    computing: float
    swapping: float
    advice: tuple[str, ...]

    @property
    def is_met(self) -> bool:
        return not self.lost

    @property
    def sentence(self) -> str:
        """For a person; empty when all is met."""
        if self.is_met:
            return ""
        worst = max(self.lost, key=lambda query: self.lost[query])
        more = f" and {len(self.lost) - 1} more queries lose frames too" if len(self.lost) > 1 else ""
        return (
            f"The box cannot keep up: query {worst} will lose {self.lost[worst]:.0%} of its frames{more}. "
            + " ".join(self.advice)
        ).strip()


def assess(workload: Workload, profiles: Profiles, budget: Budget, policy: str = DEFAULT_POLICY) -> Assessment:
    """Raises BudgetTooSmall for a budget that cannot hold a model, and what `simulate` raises."""
    require_fits(profiles.models, budget)
    if not workload.queries:
        return Assessment({}, 0.0, 0.0, ())
    outcome = _outcome(workload, profiles, budget, policy)
    lost = {query.query: query.lost_fraction for query in outcome.queries if query.lost_fraction > TOLERATED_LOSS}
    advice = tuple(_advice(workload, profiles, budget, policy)) if lost else ()
    return Assessment(lost, outcome.running_s / outcome.seconds, outcome.stalled_s / outcome.seconds, advice)


def _outcome(workload: Workload, profiles: Profiles, budget: Budget, policy: str) -> Outcome:
    slowest_s = _FRAMES / min(query.rate_fps for query in workload.queries)
    seconds = min(max(slowest_s, _LEAST_S), _LONGEST_S)
    return simulate(workload, profiles, budget, policy, seconds=seconds, warm_up_s=_WARM_UP_S)


def _is_met(workload: Workload, profiles: Profiles, budget: Budget, policy: str) -> bool:
    outcome = _outcome(workload, profiles, budget, policy)
    return all(query.lost_fraction <= TOLERATED_LOSS for query in outcome.queries)


def _advice(workload: Workload, profiles: Profiles, budget: Budget, policy: str) -> Iterator[str]:
    impossible = [query for query in workload.queries if query.deadline_ms < _fastest_ms(query, profiles)]
    for query in impossible:
        yield (
            f"One run of model {query.slot} takes {_fastest_ms(query, profiles):.0f} ms, longer than the "
            f"{query.deadline_ms} ms that query {query.query} allows: give it more time."
        )
    if impossible:
        return
    roomy = _with_all_resident(profiles, budget)
    if roomy.limit_bytes > budget.limit_bytes and _is_met(workload, profiles, roomy, policy):
        yield (
            f"Memory is what is short: merge the models so that they share layers, or raise the budget to "
            f"{format_size(roomy.limit_bytes)}, which holds all of them."
        )
    share = _sustainable_share(workload, profiles, budget, policy)
    if share is not None:
        yield f"At {share:.0%} of the frame rates it would keep up."
    else:
        yield "Take queries off this box."


def _fastest_ms(query: QueryLoad, profiles: Profiles) -> float:
    return profiles.by_slot[query.slot].batches[0].run_ms


def _with_all_resident(profiles: Profiles, budget: Budget) -> Budget:
    """With room for every model and the largest batch of any."""
    batches = [batch.activation_bytes for model in profiles.models for batch in model.batches]
    spare = max(batches) - max(model.batches[0].activation_bytes for model in profiles.models)
    return Budget(
        full_budget(profiles.models, budget.overhead_bytes) + spare, budget.overhead_bytes, budget.load_bytes_per_s
    )


def _sustainable_share(workload: Workload, profiles: Profiles, budget: Budget, policy: str) -> float | None:
    """Of all frame rates, by halving the interval; None where not even a hundredth is met."""
    low, high = 0.0, 1.0
    for _ in range(_RATE_STEPS):
        middle = (low + high) / 2
        slower = Workload(
            tuple(msgspec.structs.replace(query, rate_fps=query.rate_fps * middle) for query in workload.queries)
        )
        low, high = (middle, high) if _is_met(slower, profiles, budget, policy) else (low, middle)
    return low or None
