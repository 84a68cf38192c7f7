"""Reading merge runs and merged groups, and what a merge of a box still lacks."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.files.storage import default_storage
from django.db.models import F, JSONField, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext

from webapp.common.errors import NotFound
from webapp.fleets.models import Box, Role
from webapp.fleets.selectors import seen_by, sees_everything, sites_of, sites_with_role
from webapp.merges.models import (
    Decision,
    Disagreement,
    MergedGroup,
    MergedGroupQuery,
    MergedGroupState,
    MergeRun,
    MergeRunEvent,
    MergeRunQuery,
    MergeRunState,
    PlacedMember,
)
from webapp.merges.requirements import dataset_problem, suits
from webapp.workloads.models import CheckState, Dataset, Query
from webapp.workloads.selectors import ready_datasets, workload

DURATIONS_OF = 10  # newest runs: what took how long before may have been another machine
UNENDED = (MergeRunState.QUEUED, MergeRunState.RUNNING)


@dataclass(frozen=True)
class Requirement:
    """What a merge would use for `query` and the sentence that says what is `missing`, "" when nothing is.

    `query` None: something is missing for the box as a whole.
    """

    query: Query | None
    dataset: Dataset | None
    missing: str


def merge_run_list(actor: Any | None, box: Box | None = None) -> QuerySet[MergeRun]:
    """Newest first, with box, site, job and who asked; without the bulky result."""
    runs = seen_by(actor, MergeRun.objects.all(), "box__site")
    runs = runs if box is None else runs.filter(box=box)
    return runs.select_related("box__site", "job", "requested_by").defer("result")


def with_search_seconds(runs: QuerySet[MergeRun]) -> QuerySet[MergeRun]:
    """`search_seconds` of each, as its page says it: of its newest event, or of its result where it has none."""
    newest = MergeRunEvent.objects.filter(run=OuterRef("pk")).order_by("-seq").values("payload__seconds")[:1]
    told = Coalesce(Subquery(newest), F("result__seconds"), output_field=JSONField())
    return runs.annotate(search_seconds=told)


def earlier_durations() -> tuple[timedelta, timedelta] | None:
    """The shortest and the longest of the newest runs that came to their end here, whoever's.

    A result that was imported was found elsewhere, and has no job.
    """
    took = F("ended_at") - F("started_at")
    ended = (
        MergeRun.objects.filter(state=MergeRunState.SUCCEEDED, job__isnull=False)
        .exclude(started_at=None)
        .exclude(ended_at=None)
    )
    found = list(ended.order_by("-ended_at").values_list(took, flat=True)[:DURATIONS_OF])
    return (min(found), max(found)) if found else None


def merge_run_get(actor: Any | None, run_id: UUID) -> MergeRun:
    """With its queries, data sets and merged groups. Raises NotFound."""
    runs = seen_by(actor, MergeRun.objects.filter(id=run_id), "box__site")
    runs = runs.select_related("box__site", "job", "requested_by").prefetch_related(
        "groups", Prefetch("run_queries", _run_queries())
    )
    return _first(runs, gettext("There is no such merge run."))


def merged_group_list(actor: Any | None, box: Box | None = None) -> QuerySet[MergedGroup]:
    """Newest first, with run, box and site."""
    groups = seen_by(actor, MergedGroup.objects.all(), "run__box__site")
    groups = groups if box is None else groups.filter(run__box=box)
    return groups.select_related("run__box__site", "run__requested_by").defer("run__result")


def in_a_line(groups: QuerySet[MergedGroup]) -> QuerySet[MergedGroup]:
    """With no more than lists show of each; whole rows with all they hang on took longer to ask for than to answer."""
    named = groups.select_related(None).select_related("run__box")
    return named.only("name", "state", "bytes_before", "bytes_after", "created_at", "run__box__name")


def with_members(groups: QuerySet[MergedGroup]) -> QuerySet[MergedGroup]:
    """These, with members and decisions; of the members without what is bulky, their queries and their models."""
    members = MergedGroupQuery.objects.defer("tensors").order_by("name")
    decisions = Decision.objects.select_related("actor")
    return groups.prefetch_related(Prefetch("members", members), Prefetch("decisions", decisions))


def merged_group_get(actor: Any | None, group_id: UUID) -> MergedGroup:
    """Raises NotFound."""
    return _first(merged_group_list(actor).filter(id=group_id), gettext("There is no such merged group."))


def disagreement_list(group: MergedGroup) -> QuerySet[Disagreement]:
    """Frames on which the group's models and their originals disagree, by query and in order of time."""
    return (
        Disagreement.objects.filter(member__group=group).select_related("camera").order_by("member__name", "position")
    )


def disagreement_get(actor: Any | None, group_id: UUID, disagreement_id: UUID) -> Disagreement:
    """Raises NotFound."""
    seen = {"member__group_id": group_id, "member__group__run__box__site__in": sites_of(actor)}
    found = Disagreement.objects.filter(id=disagreement_id, **seen).select_related("camera")
    return _first(found, gettext("There is no such frame."))


def picture_of(disagreement: Disagreement) -> bytes:
    """JPEG. Raises NotFound where there is none, or the camera's privacy lets it not be seen."""
    if not disagreement.may_be_seen or not default_storage.exists(disagreement.picture):
        raise NotFound(gettext("There is no picture of this frame."))
    with default_storage.open(disagreement.picture) as file:
        content: bytes = file.read()
    return content


def boxes_placed(group: MergedGroup) -> list[UUID]:
    """Further boxes that rollouts brought it to and have not taken it back from."""
    return list(PlacedMember.objects.filter(member__group=group).order_by().values_list("box", flat=True).distinct())


def groups_waiting(actor: Any | None) -> QuerySet[MergedGroup]:
    """Merged groups that wait for somebody's decision."""
    return merged_group_list(actor).filter(state=MergedGroupState.WAITING)


def groups_decidable(actor: Any | None) -> QuerySet[MergedGroup]:
    """Those that `actor` may decide about, now: the own ones only where the site lets them."""
    return groups_waiting(actor).exclude(_is_for_others(actor))


def groups_of_others(actor: Any | None) -> QuerySet[MergedGroup]:
    """Those that wait for somebody else's decision."""
    return groups_waiting(actor).filter(_is_for_others(actor))


def _is_for_others(actor: Any | None) -> Q:
    if actor is None:
        return Q(pk__in=[])
    own = Q(run__requested_by=actor, run__box__site__requester_may_approve=False)
    if sees_everything(actor):
        return own
    return own | ~Q(run__box__site__in=sites_with_role(actor, Role.APPROVER))


def merge_requirements(box: Box) -> tuple[Requirement, ...]:
    """One per query of the box, and one for the box itself when it has too few queries."""
    datasets = ready_datasets(box)
    queries = workload(box)
    found = [_requirement(query, datasets) for query in queries]
    if len(queries) < 2:
        missing = (
            gettext("%(box)s has 1 query; a merge needs two.")
            if queries
            else gettext("%(box)s has no queries; a merge needs two.")
        )
        found.append(Requirement(None, None, missing % {"box": box}))
    return tuple(found)


def _requirement(query: Query, datasets: list[Dataset]) -> Requirement:
    of_camera = [dataset for dataset in datasets if dataset.camera_id == query.camera_id]
    dataset = next((dataset for dataset in of_camera if suits(dataset.kind, query.model.task)), None)
    if query.model.state != CheckState.READY:
        return Requirement(query, dataset, gettext('The model of "%(query)s" is not ready.') % {"query": query})
    frames = None if dataset is None else dataset.frame_count
    return Requirement(query, dataset, dataset_problem(str(query), str(query.camera), frames))


def _run_queries() -> QuerySet[MergeRunQuery]:
    queries = MergeRunQuery.objects.select_related("query", "model", "dataset")
    return queries.defer("model__tensors", "model__layers").order_by("pk")


def _first(rows: QuerySet[Any], missing: str) -> Any:
    row = rows.first()
    if row is None:
        raise NotFound(missing)
    return row
