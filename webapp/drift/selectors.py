"""Reading drifts, a site's settings, and the live accuracy of queries that run merged."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Max, Min, QuerySet

from webapp.accuracy.selectors import first_sums, window_sums
from webapp.accuracy.windows import WindowAccuracy, window_accuracy
from webapp.drift.judging import bar_of, has_drifted
from webapp.drift.models import Drift, DriftSettings
from webapp.fleets.models import Site
from webapp.fleets.selectors import sites_of
from webapp.merges.models import (
    RELATIVE_ACCURACY,
    Decision,
    MergedGroupQuery,
    MergedGroupState,
    Verdict,
)
from webapp.rollouts.models import Bundle


@dataclass(frozen=True)
class LiveAccuracy:
    """Of one member of an approved merged group, over its site's window. `window` None: nothing was scored in it.

    `bar` is None where it is not known yet: the group was judged on labels and has not been scored often enough.
    """

    member: MergedGroupQuery
    window: WindowAccuracy | None
    bar: float | None
    window_s: int
    frames_min: int

    @property
    def is_drifting(self) -> bool:
        return self.bar is not None and has_drifted(self.window, self.bar, self.frames_min)


def drift_settings(site: Site) -> DriftSettings:
    """The site's own, or the defaults."""
    return DriftSettings.objects.filter(site=site).first() or DriftSettings(site=site)


def drift_list(actor: Any | None) -> QuerySet[Drift]:
    """Newest first."""
    return Drift.objects.filter(site__in=sites_of(actor)).select_related("group__run__box", "query", "run", "site")


def drifts_open() -> QuerySet[Drift]:
    return Drift.objects.filter(ended_at=None).select_related("group__run__box__site", "query", "run", "site")


def live_accuracies(now: datetime, queries: Iterable[UUID] | None = None) -> list[LiveAccuracy]:
    """Of all members of approved merged groups, or of those of `queries`."""
    members = MergedGroupQuery.objects.filter(group__state=MergedGroupState.APPROVED, query__isnull=False)
    members = members if queries is None else members.filter(query__in=list(queries))
    found = list(members.select_related("query", "group__run__box__site").defer("tensors", "group__run__result"))
    settings = {row.site_id: row for row in DriftSettings.objects.all()}
    versions = _first_versions({member.group_id for member in found})
    return [
        _live(member, settings.get(member.group.run.box.site_id) or DriftSettings(), versions[member.group_id], now)
        for member in found
        if member.group_id in versions
    ]


def _live(member: MergedGroupQuery, settings: DriftSettings, version: int, now: datetime) -> LiveAccuracy:
    since = now - timedelta(seconds=settings.window_s)
    sums = window_sums([member.query_id], since, version).get(member.query_id)
    bar: float | None = bar_of(member.own_target, None)
    if member.basis == RELATIVE_ACCURACY:
        first = first_sums(member.query_id, version, settings.frames_min)
        baseline = window_accuracy(first) if first.frames >= settings.frames_min else None
        bar = None if baseline is None else bar_of(member.own_target, baseline.value)
    return LiveAccuracy(
        member, None if sums is None else window_accuracy(sums), bar, settings.window_s, settings.frames_min
    )


def _first_versions(groups: set[UUID]) -> dict[UUID, int]:
    """By merged group: the first bundle version that was published for its box after it was last approved."""
    approvals = Decision.objects.filter(group__in=groups, verdict=Verdict.APPROVE)
    rows = approvals.values("group_id", "group__run__box_id").annotate(at=Max("at"))
    found = {}
    for row in rows:
        later = Bundle.objects.filter(box_id=row["group__run__box_id"], created_at__gte=row["at"])
        version = later.aggregate(first=Min("version"))["first"]
        if version is not None:
            found[row["group_id"]] = version
    return found
