"""What lists and tiles show of one box or one query: stored rows joined with what was last measured."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from webapp.fleets.models import Box, Camera
from webapp.merges.models import MergedGroupQuery
from webapp.merges.running import RunningMember, accepted_on_labels
from webapp.rollouts.selectors import box_statuses
from webapp.rollouts.status import BoxStatus
from webapp.telemetry.models import BoxSample, QuerySample
from webapp.telemetry.selectors import latest_samples, samples_of_queries
from webapp.workloads.models import Query
from webapp.workloads.selectors import query_list


@dataclass(frozen=True)
class BoxRow:
    """`sample` is None until the box has sent statistics."""

    box: Box
    status: BoxStatus
    sample: BoxSample | None


@dataclass(frozen=True)
class QueryRow:
    """`accepted`: the member of the merged group that runs, found on this box or brought, where labels judged it."""

    query: Query
    box: BoxRow
    sample: QuerySample | None
    accepted: MergedGroupQuery | None = None

    @property
    def processed_fps(self) -> float | None:
        if self.sample is None or self.box.sample is None or not self.box.sample.interval_s:
            return None
        return self.sample.processed / self.box.sample.interval_s

    @property
    def lost_fraction(self) -> float | None:
        if self.sample is None or not self.sample.captured:
            return None
        return (self.sample.dropped + self.sample.late) / self.sample.captured

    @property
    def is_below_target(self) -> bool:
        """On labels where there were any, else by agreement: the target applies to relative accuracy first."""
        if self.accepted is not None:
            return self.accepted.validation_accuracy < self.query.accuracy_target
        agreement = self.sample.agreement if self.sample else None
        return agreement is not None and agreement < self.query.accuracy_target


def box_rows(
    boxes: Iterable[Box], now: datetime, statuses: Mapping[Any, BoxStatus] | None = None
) -> tuple[BoxRow, ...]:
    """`statuses`: of these boxes, where they are known."""
    found = list(boxes)
    if not found:
        return ()
    statuses = box_statuses(found, now) if statuses is None else statuses
    samples = latest_samples(found)
    return tuple(BoxRow(box, statuses[box.id], samples.get(box.id)) for box in found)


def query_rows(actor: Any, boxes: dict[Any, BoxRow], *, camera: Camera | None = None) -> tuple[QueryRow, ...]:
    """Queries of `boxes` (by id), all or those of one camera."""
    return rows_of(query_list(actor, camera=camera).filter(camera__box__in=list(boxes)), boxes)


def rows_of(
    queries: Iterable[Query], boxes: dict[Any, BoxRow], running: Iterable[RunningMember] | None = None
) -> tuple[QueryRow, ...]:
    """These queries, each of one of `boxes` (by id). `running`: where known, what runs merged on these boxes."""
    found = list(queries)
    newest = [row.sample for row in boxes.values() if row.sample]
    measured = samples_of_queries(newest, [query.id for query in found]) if newest and found else {}
    accepted = accepted_on_labels(found, running)
    return tuple(
        QueryRow(query, boxes[query.camera.box_id], measured.get(query.id), accepted.get(query.id)) for query in found
    )
