"""Where answers lead: counts and events for the server, lines of JSON for a file, the local endpoint. Made together."""

import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from edge_runtime.agent.agent import Agent
from edge_runtime.agent.event_spool import EventSpool
from edge_runtime.agent.events import EventDesk
from edge_runtime.agent.local_endpoint import LocalEndpoint, listening_socket
from edge_runtime.agent.local_view import BoxView
from edge_runtime.agent.ports import Cameras
from edge_runtime.answers.byte_track import ByteTracker
from edge_runtime.answers.desk import AnswerDesk
from edge_runtime.answers.line_file import LineWriter, sink_for
from edge_runtime.answers.results import Result, ResultBoard
from edge_runtime.protocol.target import Privacy

RESULTS_LIMIT_BYTES = 100 * 2**20


@dataclass(frozen=True)
class OutletOptions:
    """`results`: a file for lines of JSON, "-" for stdout, None for none. `listen`: host:port of the local endpoint."""

    results: str | None = None
    results_limit_bytes: int = RESULTS_LIMIT_BYTES
    listen: str | None = None


class Outlets:
    """Raises ResultsFileError and ListenError where an option asks for what cannot be."""

    def __init__(self, state_dir: Path, options: OutletOptions) -> None:
        self._listener: socket.socket | None = listening_socket(options.listen) if options.listen else None
        self._writer = LineWriter(sink_for(options.results, options.results_limit_bytes)) if options.results else None
        self._agent: Agent | None = None
        self.board = ResultBoard()
        self.spool = EventSpool(state_dir / "events.sqlite")
        self._events = EventDesk(self.spool, self._privacy_of)
        self.answers = AnswerDesk(tracker=ByteTracker, on_sighting=self._events.take, on_result=self._events.note)

    def put(self, result: Result) -> None:
        """From the executor's thread, at once."""
        self.board.put(result)
        self.answers.put(result)

    @contextlib.asynccontextmanager
    async def open(self, agent: Agent, cameras: Cameras) -> AsyncIterator[None]:
        """While open, what is put is worked on."""
        self._agent = agent
        async with contextlib.AsyncExitStack() as stack:
            if self._writer:
                self.answers.listen(self._writer.put)
                self._writer.start()
                stack.callback(self._writer.stop)
            if self._listener:
                endpoint = LocalEndpoint(self._view(agent, cameras))
                self.answers.listen(endpoint.put)
                await stack.enter_async_context(endpoint.serving(self._listener))
            self._events.start()
            stack.callback(self._events.stop)
            self.answers.start()
            stack.callback(self.answers.stop)
            yield

    def _privacy_of(self, camera: str) -> Privacy | None:
        return self._agent.privacy_of(camera) if self._agent else None

    def _view(self, agent: Agent, cameras: Cameras) -> BoxView:
        return BoxView(
            report=agent.report,
            queries=lambda: agent.bundles.queries,
            privacy_of=agent.privacy_of,
            cameras=cameras,
            board=self.board,
            desks=(self.answers, self._events, self.spool),
        )
