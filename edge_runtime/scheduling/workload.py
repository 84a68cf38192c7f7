"""What a box is asked, as the simulator and admission take it: pure data, readable from JSON."""

from collections.abc import Sequence

import msgspec

from edge_runtime.protocol.errors import GemelError

_GOLDEN = 0.6180339887498949  # multiples of it, modulo 1, lie evenly however many there are


class WorkloadUnreadable(GemelError):
    code = "workload_unreadable"


class QueryLoad(msgspec.Struct, frozen=True):
    """One query. Frames come `rate_fps` times a second, from `phase` of a period on: the same for all queries of a
    camera; without it cameras are spread evenly. `priority`: see words.Waiting.
    """

    query: str
    slot: str
    rate_fps: float
    deadline_ms: int
    camera: str = ""
    priority: float = 1.0
    phase: float | None = None


class Workload(msgspec.Struct, frozen=True):
    queries: tuple[QueryLoad, ...]

    def by_slot(self) -> dict[str, list[str]]:
        """Queries by the slot that answers them."""
        by_slot: dict[str, list[str]] = {}
        for query in self.queries:
            by_slot.setdefault(query.slot, []).append(query.query)
        return by_slot

    def phases(self) -> tuple[float, ...]:
        """Of each query, as a share of its period."""
        cameras = {name: number for number, name in enumerate(dict.fromkeys(q.camera or q.query for q in self.queries))}
        return tuple(
            cameras[query.camera or query.query] * _GOLDEN % 1 if query.phase is None else query.phase
            for query in self.queries
        )


def one_query_each(slots: Sequence[str], rate_fps: float, deadline_ms: int) -> Workload:
    """Every slot on a camera of its own."""
    return Workload(tuple(QueryLoad(slot, slot, rate_fps, deadline_ms) for slot in slots))


def decode_workload(content: bytes) -> Workload:
    """Raises WorkloadUnreadable."""
    try:
        workload = msgspec.json.decode(content, type=Workload)
    except msgspec.DecodeError as error:
        raise WorkloadUnreadable(f"The workload cannot be read: {error}.") from error
    for query in workload.queries:
        if query.rate_fps <= 0 or query.deadline_ms <= 0 or query.priority <= 0:
            raise WorkloadUnreadable(f"Query {query.query} needs a rate, a deadline and a priority above zero.")
    return workload
