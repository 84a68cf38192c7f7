"""What the local endpoint tells, taken from the running box."""

import asyncio
import time
from collections.abc import Callable, Sequence

import msgspec

from edge_runtime import __version__
from edge_runtime.agent.event_spool import EventSpool
from edge_runtime.agent.events import EventDesk
from edge_runtime.agent.ports import Cameras
from edge_runtime.agent.preview import FRESH_S, preview_picture
from edge_runtime.answers.desk import AnswerDesk
from edge_runtime.answers.results import ResultBoard
from edge_runtime.protocol.messages import CameraSample, Report
from edge_runtime.protocol.target import Privacy, QueryTarget


class Health(msgspec.Struct, frozen=True):
    """`state` and `sentence` as in protocol.messages.Report; the numbers count since the box was started.

    `answers_missed`: not looked at, so counts are too low. `lines_dropped`: answers without a line. `events_limited`:
    beyond the limit of events a minute. `events_dropped`: lost to a full spool or disk.
    """

    state: str
    sentence: str
    version: str
    bundle_version: int
    cameras: tuple[CameraSample, ...]
    answers_missed: int
    lines_dropped: int
    events_waiting: int
    events_limited: int
    events_dropped: int


class BoxView:
    """A LocalView. `report`, `queries` and `privacy_of` are the agent's."""

    def __init__(
        self,
        *,
        report: Callable[[], Report],
        queries: Callable[[], Sequence[QueryTarget]],
        privacy_of: Callable[[str], Privacy | None],
        cameras: Cameras,
        board: ResultBoard,
        desks: tuple[AnswerDesk, EventDesk, EventSpool],
    ) -> None:
        self._report, self._queries, self._privacy_of = report, queries, privacy_of
        self._cameras, self._board = cameras, board
        self._answers, self._events, self._spool = desks

    def health(self) -> Health:
        report = self._report()
        return Health(
            state=report.state,
            sentence=report.sentence,
            version=__version__,
            bundle_version=report.bundle_version,
            cameras=self._cameras.samples(),
            answers_missed=self._answers.missed,
            lines_dropped=self._answers.lines_dropped,
            events_waiting=self._spool.waiting,
            events_limited=self._events.limited,
            events_dropped=self._events.dropped + self._spool.dropped,
        )

    def queries(self) -> Sequence[QueryTarget]:
        return self._queries()

    async def picture(self, camera: str) -> bytes | None:
        privacy = self._privacy_of(camera)
        if privacy is None:
            raise KeyError(camera)
        if privacy is Privacy.OFF:
            raise PermissionError(camera)
        results = self._board.of_camera(camera, since=time.monotonic() - FRESH_S)
        look = await asyncio.to_thread(preview_picture, privacy, self._cameras.latest(camera), results)
        return look[1] if look else None
