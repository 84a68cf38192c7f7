"""Which boxes lose so many of their frames, and for so long, that a person should know."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext, ngettext

LOST_SHARE, LOST_LEAST = 0.1, 10  # frames; fewer may be on their way still
LOST_WITHIN = timedelta(minutes=4)  # so that neither a bundle that warms up nor a busy second changes a box's state

# Of a fleet most boxes lose nothing, and their queries need no sums. Two minutes have to be there. What a query that is
# gone has lost is of no use to anybody.
_LOST = """
WITH troubled AS (
    SELECT box_id FROM telemetry_boxrollup
    WHERE resolution = 'minute' AND start >= %(since)s AND (%(boxes)s::uuid[] IS NULL OR box_id = ANY(%(boxes)s))
    GROUP BY box_id HAVING sum(captured - processed) >= %(least)s
), losing AS (
    SELECT box_id, query_id, sum(dropped + late)::float / nullif(sum(captured), 0) AS share
    FROM telemetry_queryrollup JOIN troubled USING (box_id)
    WHERE resolution = 'minute' AND start >= %(since)s
    GROUP BY box_id, query_id
    HAVING count(*) > 1 AND sum(dropped + late) >= greatest(%(least)s, %(share)s * sum(captured))
)
SELECT DISTINCT ON (losing.box_id) losing.box_id, query.name, losing.share,
    count(*) OVER (PARTITION BY losing.box_id) - 1
FROM losing JOIN workloads_query query ON query.id = losing.query_id
WHERE losing.share > 0
ORDER BY losing.box_id, losing.share DESC, query.name
"""


@dataclass(frozen=True)
class FramesLost:
    """Of one box: the query that lost the largest share of its frames, and how many `others` lose too many as well."""

    query: str
    share: float
    others: int

    @property
    def sentence(self) -> str:
        words = {"query": self.query, "share": f"{min(self.share, 1):.0%}", "minutes": LOST_WITHIN.seconds // 60}
        said = gettext("Query %(query)s lost %(share)s of its frames within the last %(minutes)s minutes.") % words
        if not self.others:
            return said
        more = ngettext(
            "%(count)s more query loses frames too.", "%(count)s more queries lose frames too.", self.others
        )
        return f"{said} {more % {'count': self.others}}"


def frames_lost(now: datetime, boxes: Collection[UUID] | None = None) -> dict[UUID, FramesLost]:
    """Of those of these boxes, or of all, with a query that lost LOST_SHARE or more, in one statement.

    From rollups of minutes: in a large fleet samples take longer to read than a page may.
    """
    if boxes is not None and not boxes:
        return {}
    asked = {"boxes": None if boxes is None else list(boxes), "since": now - LOST_WITHIN}
    with connection.cursor() as cursor:
        cursor.execute(_LOST, asked | {"share": LOST_SHARE, "least": LOST_LEAST})
        return {box_id: FramesLost(*rest) for box_id, *rest in cursor.fetchall()}
