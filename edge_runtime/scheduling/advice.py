"""What to tell a person of an assessment, and what would help where a workload cannot be met. Pure.

Every piece of advice is tried by simulation before it is given, so nothing is recommended that would not do.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import msgspec

from edge_runtime.protocol.sizes import format_size
from edge_runtime.scheduling.admission import full_budget
from edge_runtime.scheduling.assessment import QUICK_FRAMES, Assessment, Plan, assess, coarsened, is_met
from edge_runtime.scheduling.likeness import Likeness, as_if_merged
from edge_runtime.scheduling.words import Budget, Profiles
from edge_runtime.scheduling.workload import QueryLoad, Workload

_SWAPS_MATTER = 0.02  # of the time; below it memory is not what is short
_NOTABLE_GAIN = 0.02  # of the frames
_SHARES = (1 / 8, 1 / 4, 3 / 8, 1 / 2, 5 / 8, 3 / 4, 7 / 8)
_LONGER = 2  # times the deadline


@dataclass(frozen=True)
class Known:
    """What advice may draw on. `names`: of queries, for people. `subject`: the query that is about to be added or
    changed, if any. `likeness`: which tensors a merge might share. `frames`: as for assess.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    subject: str = ""
    likeness: Likeness = field(default_factory=dict)
    frames: int = QUICK_FRAMES

    def name(self, query: str) -> str:
        return self.names.get(query, query)


def verdict(assessment: Assessment, known: Known) -> str:
    """One sentence; empty when all is met."""
    if assessment.is_met:
        return ""
    worst = max(assessment.lost, key=lambda query: assessment.lost[query])
    others = len(assessment.lost) - 1
    more = f", and {others} more {'query loses' if others == 1 else 'queries lose'} frames too" if others else ""
    share = f"{assessment.lost[worst]:.0%} of its" if assessment.lost[worst] < 1 else "all of its"
    return f"The box cannot keep up: query {known.name(worst)} will lose {share} frames{more}."


def figures(assessment: Assessment) -> str:
    """One line for a person."""
    return (
        f"{assessment.in_time:.0%} of the frames in time; of the time, {assessment.computing:.0%} computing and "
        f"{assessment.swapping:.0%} waiting for weights."
    )


def told(plan: Plan, known: Known) -> str:
    """Verdict and advice as one text; empty when all is met. Raises what assess raises."""
    assessment = assess(plan, known.frames)
    if assessment.is_met:
        return ""
    return " ".join((verdict(assessment, known), *advice(plan, assessment, known)))


def advice(plan: Plan, assessment: Assessment, known: Known) -> tuple[str, ...]:
    """Sentences, best first, for a plan that is not met."""
    impossible = plan.impossible
    if impossible:
        return tuple(
            f"One run of its model takes {plan.run_ms(query):.0f} ms, longer than the {query.deadline_ms} ms that "
            f"query {known.name(query.query)} allows: give it more time."
            for query in impossible
        )
    fine, plan = plan, coarsened(plan)
    found = [*_memory(fine, plan, assessment, known), *_rates(plan, known)]
    if not found:
        found = [*_deadlines(plan, known)]
    return tuple(found) or ("Take queries off this box.",)


def _memory(fine: Plan, plan: Plan, assessment: Assessment, known: Known) -> Iterator[str]:
    """Where swapping costs frames. `fine`: the plan before tensors were lumped together."""
    if assessment.swapping < _SWAPS_MATTER:
        return
    merged = as_if_merged(fine.profiles, known.likeness)
    before, after = weight_bytes(fine.profiles), weight_bytes(merged)
    if after < before:
        best = assess(replace(plan, profiles=merged), known.frames)
        effect = f"at most {best.in_time:.0%} instead of {assessment.in_time:.0%} of the frames would be in time"
        if best.is_met or best.in_time > assessment.in_time + _NOTABLE_GAIN:
            yield (
                "Merge the models: if all layers that are alike were held once, weights would take "
                f"{format_size(after)} instead of {format_size(before)} and "
                f"{'it would keep up' if best.is_met else effect}."
            )
    roomy = _with_all_resident(plan.profiles, plan.budget)
    if roomy.limit_bytes > plan.budget.limit_bytes and is_met(replace(plan, budget=roomy), known.frames):
        yield f"With a memory budget of {format_size(roomy.limit_bytes)}, which holds all models, it would keep up."


def _rates(plan: Plan, known: Known) -> Iterator[str]:
    subject = next((query for query in plan.workload.queries if query.query == known.subject), None)
    alone = subject and _largest_share(plan, known, {subject.query})
    if subject and alone:
        name, rate = known.name(subject.query), subject.rate_fps * alone
        yield f"With {rate:.2g} frames/s for query {name} instead of {subject.rate_fps:.3g} it would keep up."
        return
    share = _largest_share(plan, known, {query.query for query in plan.workload.queries})
    if share:
        yield f"At {share:.0%} of all frame rates it would keep up."


def _deadlines(plan: Plan, known: Known) -> Iterator[str]:
    later = (msgspec.structs.replace(one, deadline_ms=_LONGER * one.deadline_ms) for one in plan.workload.queries)
    if is_met(_asking(plan, later), known.frames):
        yield "With deadlines twice as long it would keep up."


def _largest_share(plan: Plan, known: Known, queries: set[str]) -> float | None:
    """Of the frame rates of `queries` that is met; None where not even the smallest is. Bisects _SHARES."""
    low, high = -1, len(_SHARES)
    while high - low > 1:
        middle = (low + high) // 2
        if is_met(_asking(plan, _slower(plan.workload, queries, _SHARES[middle])), known.frames):
            low = middle
        else:
            high = middle
    return _SHARES[low] if low >= 0 else None


def _slower(workload: Workload, queries: set[str], share: float) -> Iterator[QueryLoad]:
    for query in workload.queries:
        yield msgspec.structs.replace(query, rate_fps=query.rate_fps * share) if query.query in queries else query


def _asking(plan: Plan, queries: Iterable[QueryLoad]) -> Plan:
    return replace(plan, workload=Workload(tuple(queries)))


def weight_bytes(profiles: Profiles) -> int:
    """Of all models, each tensor once."""
    return sum({digest: size for model in profiles.models for digest, size in model.tensors.items()}.values())


def _with_all_resident(profiles: Profiles, budget: Budget) -> Budget:
    """With room for every model and the largest batch of any."""
    batches = [batch.activation_bytes for model in profiles.models for batch in model.batches]
    spare = max(batches) - max(model.batches[0].activation_bytes for model in profiles.models)
    return replace(budget, limit_bytes=full_budget(profiles.models, budget.overhead_bytes) + spare)
