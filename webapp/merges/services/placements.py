"""Merged groups on further boxes than the one they were found on. Who calls publishes the box's next bundle."""

from collections.abc import Mapping
from datetime import datetime

from webapp.fleets.models import Box
from webapp.merges.models import MergedGroup, MergedGroupQuery, PlacedMember
from webapp.workloads.models import Query


def merged_group_place(*, box: Box, queries: Mapping[MergedGroupQuery, Query], now: datetime) -> None:
    """Each member runs in the query it is mapped to, from the next bundle on."""
    PlacedMember.objects.bulk_create(
        PlacedMember(box=box, member=member, query=query, placed_at=now) for member, query in queries.items()
    )


def merged_group_withdraw(*, group: MergedGroup, box: Box) -> bool:
    """The box's next bundle has what it had before the group was placed there. False where it was not placed."""
    deleted, _ = PlacedMember.objects.filter(box=box, member__group=group).delete()
    return deleted > 0
