"""What merged groups save on the boxes that run them, now and since when: found there, or brought by a rollout."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Case, Count, F, Max, Min, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import Coalesce

from webapp.fleets.selectors import sites_of
from webapp.merges.models import Decision, MergedGroup, MergedGroupQuery, MergedGroupState, PlacedMember, Verdict


@dataclass(frozen=True)
class Saving:
    """One merged group on one box, as last approved. `until`: when it was reverted, None while it runs."""

    box_id: Any
    bytes_before: int
    bytes_after: int
    since: datetime
    until: datetime | None = None

    @property
    def bytes_saved(self) -> int:
        return self.bytes_before - self.bytes_after


def savings(actor: Any | None, ended_since: datetime) -> list[Saving]:
    """Of every merged group that runs whole on a box that `actor` sees, and of those reverted since then.

    As running.running_members chooses, but with one row for each group on a box: for pages that look at all boxes. One
    that a rollout brought and took away again has left no row, and is not among them.
    """
    found: list[Saving] = []
    taken: dict[Any, set[Any]] = {}
    for row in [*_placed(actor), *_own(actor, ended_since)]:
        queries = set(row["queries"])
        if row["until"] is None:
            if queries & taken.setdefault(row["box"], set()):
                continue
            taken[row["box"]] |= queries
        found.append(Saving(row["box"], row["bytes_before"], row["bytes_after"], row["since"], row["until"]))
    return found


def saved_at(found: Iterable[Saving], at: datetime) -> int:
    return sum(one.bytes_saved for one in found if one.since <= at and (one.until is None or at < one.until))


def _placed(actor: Any | None) -> Iterator[Mapping[str, Any]]:
    """The newest first."""
    members = MergedGroupQuery.objects.filter(group=OuterRef("member__group")).order_by().values("group")
    rows = PlacedMember.objects.filter(box__site__in=sites_of(actor)).order_by().values("box", "member__group")
    rows = rows.annotate(
        queries=ArrayAgg("query"),
        unchanged=Count("pk", filter=Q(query__model=F("member__model"))),
        members=Subquery(members.annotate(count=Count("pk")).values("count")),
        since=Min("placed_at"),
        bytes_before=F("member__group__bytes_before"),
        bytes_after=F("member__group__bytes_after"),
    )
    for row in rows.filter(unchanged=F("members")).order_by("-since"):
        yield row | {"until": None}


def _own(actor: Any | None, ended_since: datetime) -> QuerySet[MergedGroup, dict[str, Any]]:
    """Where they were found. A reverted one ran whole as far as anybody can still tell."""
    decided = Decision.objects.filter(group=OuterRef("pk")).order_by().values("group")
    approved, reverted = (decided.filter(verdict=verdict) for verdict in (Verdict.APPROVE, Verdict.REVERT))
    unchanged = Count("members", filter=Q(members__query__model=F("members__model")))
    groups = MergedGroup.objects.filter(run__box__site__in=sites_of(actor)).order_by()
    groups = groups.annotate(
        box=F("run__box"),
        queries=ArrayAgg("members__query", filter=Q(members__query__isnull=False), default=[]),
        unchanged=unchanged,
        count=Count("members"),
        since=Coalesce(Subquery(approved.annotate(at_last=Max("at")).values("at_last")), F("created_at")),
        until=Case(
            # one that was approved again has been reverted before
            When(state=MergedGroupState.REVERTED, then=Subquery(reverted.annotate(at_last=Max("at")).values("at_last")))
        ),
    )
    runs = Q(state=MergedGroupState.APPROVED, unchanged=F("count"))
    ended = Q(state=MergedGroupState.REVERTED, until__gte=ended_since)
    return groups.filter(runs | ended).values("box", "queries", "since", "until", "bytes_before", "bytes_after")
