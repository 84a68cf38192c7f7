"""What merged groups save on the boxes that run them, now and since when: found there, or brought by a rollout."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from webapp.fleets.selectors import sites_of
from webapp.merges.models import MergedGroupState, Verdict


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
    for queries, saving in _rows(actor, ended_since):
        if saving.until is None:
            if queries & taken.setdefault(saving.box_id, set()):
                continue
            taken[saving.box_id] |= queries
        found.append(saving)
    return found


def saved_at(found: Iterable[Saving], at: datetime) -> int:
    return sum(one.bytes_saved for one in found if one.since <= at and (one.until is None or at < one.until))


def _rows(actor: Any | None, ended_since: datetime) -> Iterator[tuple[set[Any], Saving]]:
    """With the queries of each, those that were brought first, the newest of them first."""
    sites, parameters = sites_of(actor).order_by().values("id").query.sql_with_params()
    with connection.cursor() as cursor:
        for statement, more in ((_PLACED, ()), (_OWN, (ended_since,))):
            cursor.execute(statement.format(sites=sites), [*parameters, *more])
            for queries, *saving in cursor.fetchall():
                yield set(queries), Saving(*saving)


# In SQL as it stands: for Django to write these two down took twice as long as for the database to answer them.
_PLACED = """
SELECT array_agg(placed.query_id), placed.box_id, bytes_before, bytes_after, min(placed_at) AS since
FROM merges_placedmember AS placed JOIN fleets_box AS box ON box.id = placed.box_id
JOIN merges_mergedgroupquery AS member ON member.id = placed.member_id
JOIN merges_mergedgroup AS merged ON merged.id = member.group_id
JOIN workloads_query AS query ON query.id = placed.query_id
WHERE box.site_id IN ({sites})
GROUP BY placed.box_id, merged.id
HAVING count(*) FILTER (WHERE query.model_id = member.model_id)
    = (SELECT count(*) FROM merges_mergedgroupquery WHERE group_id = merged.id)
ORDER BY since DESC
"""
# Where they were found. A reverted one ran whole as far as anybody can still tell; one that was approved again has been
# reverted before.
_OWN = f"""
SELECT queries, box_id, bytes_before, bytes_after, coalesce(approved_at, created_at), until FROM (
    SELECT merged.*, run.box_id,
        (
            SELECT max(at) FROM merges_decision WHERE group_id = merged.id AND verdict = '{Verdict.APPROVE}'
        ) AS approved_at,
        CASE WHEN merged.state = '{MergedGroupState.REVERTED}' THEN
            (SELECT max(at) FROM merges_decision WHERE group_id = merged.id AND verdict = '{Verdict.REVERT}')
        END AS until
    FROM merges_mergedgroup AS merged JOIN merges_mergerun AS run ON run.id = merged.run_id
    JOIN fleets_box AS box ON box.id = run.box_id
    WHERE box.site_id IN ({{sites}}) AND merged.state IN ('{MergedGroupState.APPROVED}', '{MergedGroupState.REVERTED}')
) AS merged CROSS JOIN LATERAL (
    SELECT coalesce(array_remove(array_agg(member.query_id), NULL), ARRAY[]::uuid[]) AS queries,
        bool_and(query.model_id IS NOT DISTINCT FROM member.model_id) AS is_whole
    FROM merges_mergedgroupquery AS member LEFT JOIN workloads_query AS query ON query.id = member.query_id
    WHERE member.group_id = merged.id
) AS members
WHERE merged.state = '{MergedGroupState.APPROVED}' AND is_whole OR until >= %s
"""
