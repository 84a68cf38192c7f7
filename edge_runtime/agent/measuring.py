"""Tells the server what this box measured, whenever that changes enough to matter. Losing it loses nothing: a server
that does not know, or is away, is told again later.
"""

import asyncio
import logging

from edge_runtime.agent.ports import Serving
from edge_runtime.agent.server import ServerApi
from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.measurements import BoxMeasured, NetworkMeasured

CHECK_S = 3.0
_NEXT_S = 30.0  # after something was told: run times waver with load
_REFUSED_S = 600.0  # a server of an earlier version does not know this message
_NOTABLE = 0.2  # relative change of a figure

log = logging.getLogger(__name__)


async def tell_measured(serving: Serving, api: ServerApi) -> None:
    """Until cancelled."""
    told: BoxMeasured | None = None
    while True:
        wait_s = CHECK_S
        measured = serving.measured()
        if measured is not None and is_news(told, measured):
            try:
                await api.measured(measured)
            except GemelError as error:
                log.info("What was measured is not told to the server yet: %s", error)
                wait_s = _NEXT_S if error.is_retryable else _REFUSED_S
            else:
                told, wait_s = measured, _NEXT_S
        await asyncio.sleep(wait_s)


def is_news(told: BoxMeasured | None, measured: BoxMeasured) -> bool:
    """Whether anything is new, or a figure has moved by more than _NOTABLE of itself."""
    if told is None or _terms(told) != _terms(measured):
        return True
    if _has_moved(told.load_bytes_per_s or 0.0, measured.load_bytes_per_s or 0.0):
        return True
    before, after = _run_times(told.networks), _run_times(measured.networks)
    return any(key not in before or _has_moved(before[key], run_ms) for key, run_ms in after.items())


def _terms(measured: BoxMeasured) -> tuple[object, ...]:
    """Of the runtime's own work only whether it is known: it wavers with load, and changes little."""
    own_work_known = measured.visit_ms > 0, measured.short_visit_ms > 0
    return measured.hardware, measured.policy, measured.budget_bytes, measured.overhead_bytes, own_work_known


def _run_times(networks: tuple[NetworkMeasured, ...]) -> dict[tuple[object, ...], float]:
    return {
        (one.architecture, one.input_size, one.classes, batch.size, batch.is_doubted): batch.run_ms
        for one in networks
        for batch in one.batches
    }


def _has_moved(before: float, after: float) -> bool:
    return abs(after - before) > _NOTABLE * before
