"""Which merged groups boxes should run, and in which queries: those approved there, and those that rollouts placed.

Groups that rollouts placed on a box come before its own, the newest first; one that wants a query of an earlier one
waits as a whole. What remains of a group with fewer than two members shares nothing, so those queries keep their
originals, as does a query that has another model than the member by now.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from webapp.fleets.models import Box
from webapp.merges.models import (
    RELATIVE_ACCURACY,
    Decision,
    MergedGroupQuery,
    MergedGroupState,
    PlacedMember,
    Verdict,
)
from webapp.workloads.models import Query

# What RunningMembers are used for: whole rows took the database's adapter longer than the database.
_MEMBER = ("group", "query", "model", "basis", "validation_accuracy")
_QUERY = ("query__name", "query__accuracy_target", "query__model")
_PLACED = ("placed_at", "member", "box__name", "box__site", *_QUERY, *(f"member__{name}" for name in _MEMBER))
_OWN = (*_MEMBER, *_QUERY, "group__created_at", "group__run__box__name", "group__run__box__site")


@dataclass(frozen=True)
class RunningMember:
    """`member` is to run in `query` of `box`: since its group was last approved, or was placed there. Of each what most
    who ask need is fetched."""

    box: Box
    query: Query
    member: MergedGroupQuery
    since: datetime


def approved_members(box: Box) -> dict[UUID, MergedGroupQuery]:
    """By query: the merged tensors that the box should run."""
    placed = _placed().select_related("member__group__run").filter(box=box)
    own = _own().filter(group__run__box=box)
    return {query: one.member for query, one in _chosen(_pairs(placed, own)).items()}


def running_members(boxes: Iterable[UUID] | None = None) -> list[RunningMember]:
    """Of `boxes` or of all, without their tensors, in two SQL statements."""
    placed, own = _placed().only(*_PLACED), _own().only(*_OWN)
    if boxes is not None:
        wanted = list(boxes)
        placed, own = placed.filter(box__in=wanted), own.filter(group__run__box__in=wanted)
    return list(_chosen(_pairs(placed, own)).values())


def accepted_on_labels(
    queries: Iterable[Query], running: Iterable[RunningMember] | None = None
) -> dict[UUID, MergedGroupQuery]:
    """By query: the member that is to run in it, where labels judged that. The accuracy target of these is not one for
    agreement. In two SQL statements, once the queries' cameras are there, or none with what is `running` there."""
    found = {query.id: query.camera.box_id for query in queries}
    if not found:
        return {}
    if running is None:
        running = running_members(set(found.values()))
    judged = (one for one in running if one.query.id in found and one.member.basis == RELATIVE_ACCURACY)
    return {one.query.id: one.member for one in judged}


def judged_on_labels(*, is_failing: bool = False) -> Q:
    """Queries for which there is a member that labels judged, whether it is its turn to run or not; with `is_failing`
    those whose target it does not reach. A condition for the database, of which few are left for accepted_on_labels."""
    own = MergedGroupQuery.objects.filter(basis=RELATIVE_ACCURACY, group__state=MergedGroupState.APPROVED)
    placed = PlacedMember.objects.filter(member__basis=RELATIVE_ACCURACY)
    if is_failing:
        own = own.filter(validation_accuracy__lt=F("query__accuracy_target"))
        placed = placed.filter(member__validation_accuracy__lt=F("query__accuracy_target"))
    return Q(id__in=own.values("query")) | Q(id__in=placed.order_by().values("query"))


def _placed() -> QuerySet[PlacedMember]:
    return PlacedMember.objects.select_related("member", "query", "box")


def _own() -> QuerySet[Any]:
    approvals = Decision.objects.filter(group=OuterRef("group"), verdict=Verdict.APPROVE).order_by("-at")
    own = MergedGroupQuery.objects.filter(group__state=MergedGroupState.APPROVED, query__isnull=False)
    return own.select_related("query", "group__run__box").annotate(since=Subquery(approvals.values("at")[:1]))


def _pairs(placed: QuerySet[PlacedMember], own: QuerySet[Any]) -> list[RunningMember]:
    """In order of precedence."""
    return [
        *(RunningMember(one.box, one.query, one.member, one.placed_at) for one in placed),
        *(RunningMember(one.group.run.box, one.query, one, one.since or one.group.created_at) for one in own),
    ]


def _chosen(pairs: Iterable[RunningMember]) -> dict[UUID, RunningMember]:
    """By query."""
    groups: dict[tuple[UUID, UUID], dict[UUID, RunningMember]] = {}
    for one in pairs:
        if one.query.model_id == one.member.model_id:
            groups.setdefault((one.box.id, one.member.group_id), {})[one.query.id] = one
    chosen: dict[UUID, RunningMember] = {}
    for members in groups.values():
        if len(members) > 1 and not members.keys() & chosen.keys():
            chosen |= members
    return chosen
