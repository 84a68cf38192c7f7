"""What a merge run found: merged groups that wait for a decision."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from webapp.merges.models import (
    MergedGroup,
    MergedGroupQuery,
    MergedGroupState,
    MergeRun,
    MergeRunQuery,
    MergeRunState,
)
from webapp.merges.services.disagreements import DisagreementFound, disagreements_record
from webapp.merges.services.runs import merge_run_ended
from webapp.realtime.topics import site_changed


@dataclass(frozen=True)
class MemberFound:
    """One query of a merged group; the figures are as in MergedGroupQuery. `tensors`: blobs in the artifact store."""

    run_query: MergeRunQuery
    tensors: dict[str, Any]
    basis: str
    original_accuracy: float | None
    merged_accuracy: float
    validation: tuple[float, float, float]
    test: tuple[float, float, float] | None
    compared_frames: int | None = None
    differing_frames: int = 0
    disagreements: tuple[DisagreementFound, ...] = ()


@dataclass(frozen=True)
class GroupFound:
    """`shared_layers`: see MergedGroup."""

    bytes_before: int
    bytes_after: int
    shared_layers: list[dict[str, Any]]
    members: tuple[MemberFound, ...]


@transaction.atomic
def merge_run_result_record(
    *,
    run: MergeRun,
    groups: Sequence[GroupFound],
    result: dict[str, Any],
    bytes_before: int,
    bytes_after: int,
    state: MergeRunState = MergeRunState.SUCCEEDED,
    problem: str = "",
    now: datetime,
) -> list[MergedGroup]:
    """Ends the run in `state`; its groups wait. Groups that waited with any of the same queries are superseded."""
    run.result, run.bytes_before, run.bytes_after = result, bytes_before, bytes_after
    run.save(update_fields=["result", "bytes_before", "bytes_after"])
    queries = [member.run_query.query_id for group in groups for member in group.members]
    earlier = MergedGroup.objects.filter(state=MergedGroupState.WAITING, members__query__in=queries).exclude(run=run)
    MergedGroup.objects.filter(id__in=earlier.values("id")).update(state=MergedGroupState.SUPERSEDED)
    created = [_group_create(run, group, now) for group in groups]
    merge_run_ended(run=run, state=state, problem=problem, now=now)
    for group in created:
        site_changed(run.box.site_id, "merged-group", group.id)
    return created


def _group_create(run: MergeRun, found: GroupFound, now: datetime) -> MergedGroup:
    group = MergedGroup.objects.create(
        run=run,
        name=" + ".join(member.run_query.name for member in found.members)[:200],
        bytes_before=found.bytes_before,
        bytes_after=found.bytes_after,
        shared_layers=found.shared_layers,
        created_at=now,
    )
    members = MergedGroupQuery.objects.bulk_create(_member(group, member) for member in found.members)
    for member, one in zip(members, found.members, strict=True):
        disagreements_record(member=member, dataset=one.run_query.dataset, found=one.disagreements)
    return group


def _member(group: MergedGroup, found: MemberFound) -> MergedGroupQuery:
    test = found.test or (None, None, None)
    return MergedGroupQuery(
        group=group,
        query=found.run_query.query,
        model=found.run_query.model,
        name=found.run_query.name,
        tensors=found.tensors,
        accuracy_target=found.run_query.accuracy_target,
        basis=found.basis,
        original_accuracy=found.original_accuracy,
        merged_accuracy=found.merged_accuracy,
        validation_accuracy=found.validation[0],
        validation_lower=found.validation[1],
        validation_upper=found.validation[2],
        test_accuracy=test[0],
        test_lower=test[1],
        test_upper=test[2],
        compared_frames=found.compared_frames,
        differing_frames=found.differing_frames,
    )
