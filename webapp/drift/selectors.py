"""Reading drifts, a site's settings, and the live accuracy of queries that run merged."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from webapp.accuracy.selectors import Beginning, Window, first_sums, window_sums
from webapp.accuracy.windows import Sums, WindowAccuracy, window_accuracy
from webapp.drift.judging import bar_of, has_drifted
from webapp.drift.models import Baseline, Drift, DriftSettings
from webapp.fleets.models import Site
from webapp.fleets.selectors import seen_by
from webapp.merges.models import RELATIVE_ACCURACY
from webapp.merges.running import RunningMember, running_members
from webapp.rollouts.selectors import first_versions
from webapp.workloads.models import Query


@dataclass(frozen=True)
class Watched:
    """A query that runs merged, since bundle `version` of its box, and how its site wants it watched."""

    running: RunningMember
    version: int
    settings: DriftSettings

    @property
    def is_on_labels(self) -> bool:
        return self.running.member.basis == RELATIVE_ACCURACY


@dataclass(frozen=True)
class LiveAccuracy:
    """Of one query that runs merged, over its site's window. `window` None: nothing was scored in it.

    `baseline`: what agreement was at first, where labels judged the group; `bar` is None where it is not known yet,
    because the query has not been scored often enough.
    """

    watched: Watched
    window: WindowAccuracy | None
    baseline: WindowAccuracy | Baseline | None

    @property
    def running(self) -> RunningMember:
        return self.watched.running

    @property
    def window_s(self) -> int:
        return self.watched.settings.window_s

    @property
    def frames_min(self) -> int:
        return self.watched.settings.frames_min

    @property
    def bar(self) -> float | None:
        target = self.running.query.accuracy_target
        if not self.watched.is_on_labels:
            return bar_of(target, None)
        return None if self.baseline is None else bar_of(target, self.baseline.value)

    @property
    def is_drifting(self) -> bool:
        return self.bar is not None and has_drifted(self.window, self.bar, self.frames_min)


def drift_settings(site: Site) -> DriftSettings:
    """The site's own, or the defaults."""
    return DriftSettings.objects.filter(site=site).first() or DriftSettings(site=site)


def drift_list(actor: Any | None) -> QuerySet[Drift]:
    """Newest first."""
    found = seen_by(actor, Drift.objects.all(), "site")
    return found.select_related("group__run", "box", "query", "run", "site").defer("group__run__result")


def drifts_open() -> QuerySet[Drift]:
    found = Drift.objects.filter(ended_at=None).select_related("group__run", "box__site", "query", "run", "site")
    return found.defer("group__run__result", "run__result")


def live_accuracies(
    now: datetime, queries: Iterable[UUID] | None = None, running: Iterable[RunningMember] | None = None
) -> list[LiveAccuracy]:
    """Of all queries that run merged, or of those of `queries`, on the boxes where the groups were found and others.

    However many there are, it takes the same few SQL statements. `running`: where known, what runs on these boxes.
    """
    watched = _watched(None if queries is None else set(queries), running)
    windows = [
        Window(one.running.query.id, now - timedelta(seconds=one.settings.window_s), one.version) for one in watched
    ]
    sums, baselines = window_sums(windows), _baselines([one for one in watched if one.is_on_labels])
    return [
        LiveAccuracy(one, window_accuracy(sums.get(one.running.query.id, Sums())), baselines.get(one.running.query.id))
        for one in watched
    ]


def _watched(queries: set[UUID] | None, running: Iterable[RunningMember] | None) -> list[Watched]:
    """Only what a bundle was published for."""
    if running is None:
        boxes = None
        if queries is not None:
            boxes = Query.objects.filter(id__in=queries).values_list("camera__box_id", flat=True)
        running = running_members(boxes)
    running = [one for one in running if queries is None or one.query.id in queries]
    if not running:
        return []
    versions = first_versions([(one.box.id, one.since) for one in running])
    settings = {row.site_id: row for row in DriftSettings.objects.all()}
    return [
        Watched(one, version, settings.get(one.box.site_id) or DriftSettings())
        for one, version in zip(running, versions, strict=True)
        if version is not None
    ]


def _baselines(watched: Sequence[Watched]) -> dict[UUID, Baseline | WindowAccuracy]:
    """By query: the one that was kept, or what can be known by now; none where too few frames were scored."""
    kept = {
        (row.member_id, row.query_id, row.version): row
        for row in Baseline.objects.filter(query__in=[one.running.query.id for one in watched])
    }
    found: dict[UUID, Baseline | WindowAccuracy] = {}
    unknown: list[Beginning] = []
    for one in watched:
        query = one.running.query.id
        row = kept.get((one.running.member.id, query, one.version))
        if row is not None:
            found[query] = row
        else:
            unknown.append(Beginning(query, one.version, one.settings.frames_min))
    first = first_sums(unknown)
    for beginning in unknown:
        accuracy = window_accuracy(first.get(beginning.query, Sums()))
        if accuracy is not None and accuracy.frames >= beginning.frames:
            found[beginning.query] = accuracy
    return found
