"""Which further boxes have the same workload as a merged group: its models, asked for no more than it was approved for.

Cameras, zones, rates and further queries may differ: a merge knows nothing of them (docs/adr/0017-rollouts.md).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import F
from django.utils.translation import gettext

from webapp.fleets.models import Box
from webapp.merges.models import MergedGroup, MergedGroupQuery, PlacedMember
from webapp.rollouts.models import Rollout, RolloutBox, RolloutState
from webapp.workloads.models import Query

ACTIVE = (RolloutState.RUNNING, RolloutState.PAUSED)


@dataclass(frozen=True)
class Match:
    """Which query of a box runs which member, or the `problem` that keeps the group off the box, "" for none."""

    queries: Mapping[MergedGroupQuery, Query] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True)
class Candidate:
    """`problem`: why the group cannot be rolled out to the box now, "" if it can."""

    box: Box
    problem: str = ""


def matched(members: Sequence[MergedGroupQuery], queries: Sequence[Query]) -> Match:
    """Every member finds a query of its own with the same model, one of the same name before others."""
    found: dict[MergedGroupQuery, Query] = {}
    taken = set[UUID]()
    for wants_name in (True, False):
        for member in (member for member in members if member not in found):
            free = (query for query in queries if query.model_id == member.model_id and query.id not in taken)
            fitting = next((query for query in free if not wants_name or query.name == member.name), None)
            if fitting is not None:
                found[member] = fitting
                taken.add(fitting.id)
    missing = next((member for member in members if member not in found), None)
    if missing is not None:
        return Match(
            problem=gettext("It has no query with the model %(model)s left for %(name)s.")
            % {"model": missing.model, "name": missing.name}
        )
    strict = next((member for member in members if _asks_too_much(member, found[member])), None)
    if strict is not None:
        query = found[strict]
        return Match(
            problem=gettext(
                "%(query)s keeps %(accuracy_target)s %% of its accuracy there, more than %(name)s was approved for."
            )
            % {"query": query, "accuracy_target": f"{100 * query.accuracy_target:.1f}", "name": strict.name}
        )
    return Match(found)


def candidates(group: MergedGroup) -> tuple[Candidate, ...]:
    """Every other box of the site that runs models of the group, by name; those it can be rolled out to first."""
    members = members_of(group)
    queries = _queries_by_box(group, members)
    placed = set(PlacedMember.objects.filter(member__in=members).values_list("box_id", flat=True))
    busy = busy_boxes(box.id for box in queries)
    found = []
    for box, asked in queries.items():
        problem = "" if box.credential_hash else gettext("No machine has joined as this box.")
        problem = problem or (gettext("It runs this merged group already.") if box.id in placed else "")
        problem = problem or busy.get(box.id, "") or matched(members, asked).problem
        found.append(Candidate(box, problem))
    return tuple(sorted(found, key=lambda one: (bool(one.problem), one.box.name)))


def members_of(group: MergedGroup) -> list[MergedGroupQuery]:
    """In a fixed order, with model and query, without what is bulky."""
    members = group.members.select_related("model", "query").defer("tensors", "model__tensors", "model__layers")
    return list(members.order_by("name", "pk"))


def busy_boxes(boxes: Iterable[UUID]) -> dict[UUID, str]:
    """Boxes (ids) that another rollout is not done with: two at once would hide which a failure belongs to."""
    rows = RolloutBox.objects.filter(box__in=list(boxes), rollout__state__in=ACTIVE).order_by()
    busy = dict(rows.values_list("box", "rollout"))
    rollouts = Rollout.objects.select_related("group").defer("group__shared_layers").in_bulk(set(busy.values()))
    words = gettext("The %(rollout)s is not done with it.")
    return {box_id: words % {"rollout": rollouts[rollout_id]} for box_id, rollout_id in busy.items()}


def _queries_by_box(group: MergedGroup, members: Iterable[MergedGroupQuery]) -> dict[Box, list[Query]]:
    """All queries of the site's other boxes with one of the members' models, in a fixed order and without what is not
    asked of them here: a site may have thousands."""
    home = group.run.box
    queries = Query.objects.filter(
        camera__box__site_id=home.site_id, model__in={member.model_id for member in members}
    ).exclude(camera__box=home)
    queries = queries.annotate(box_id=F("camera__box_id")).only("name", "model_id", "accuracy_target")
    by_id: dict[UUID, list[Query]] = {}
    for query in queries.order_by("created_at", "id"):
        by_id.setdefault(query.box_id, []).append(query)
    boxes = Box.objects.defer("hardware").in_bulk(by_id)
    return {boxes[box_id]: asked for box_id, asked in by_id.items()}


def _asks_too_much(member: MergedGroupQuery, query: Query) -> bool:
    return query.accuracy_target > max(member.validation_lower, member.own_target)
