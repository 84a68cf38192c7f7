"""Probes and frame requests: what the server asks for once. Each runs as a task beside the models.

An answer waits for a server that is away; what was answered is remembered.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from edge_runtime.agent.pictures import PREVIEW_QUALITY, jpeg, narrowed, pixelated
from edge_runtime.agent.ports import Cameras
from edge_runtime.agent.privacy import Cleared, PrivacyRefusal, cleared_for_dataset
from edge_runtime.agent.retrying import until_accepted
from edge_runtime.agent.sampling import collect_frames
from edge_runtime.agent.server import ServerApi
from edge_runtime.agent.steps import AnswerProbe, SendFrames, StopFrames
from edge_runtime.answers.results import ResultBoard
from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.target import CameraTarget, FrameRequest, Privacy, TargetState

log = logging.getLogger(__name__)


class RequestDesk:
    """`on_change` is called when a request begins or ends. Runs on the event loop."""

    def __init__(self, *, api: ServerApi, cameras: Cameras, board: ResultBoard, on_change: Callable[[], None]) -> None:
        self._api, self._cameras, self._board, self._on_change = api, cameras, board, on_change
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._collecting: dict[str, FrameRequest] = {}
        self._done: set[str] = set()
        self._failures: dict[str, str] = {}
        self.probes: dict[str, int] = {}

    @property
    def frame_requests(self) -> frozenset[str]:
        return self.collecting | self._done

    @property
    def collecting(self) -> frozenset[str]:
        return frozenset(self._collecting)

    @property
    def failures(self) -> tuple[str, ...]:
        return tuple(self._failures.values())

    def rates(self) -> dict[str, float]:
        """Frames a second that running frame requests need, by camera."""
        rates: dict[str, float] = {}
        for request in self._collecting.values():
            rates[request.camera] = max(rates.get(request.camera, 0.0), request.count / max(request.span_s, 1.0))
        return rates

    async def take(self, step: AnswerProbe | SendFrames | StopFrames) -> None:
        match step:
            case AnswerProbe(target, request):
                self.probes[target.camera] = request
                self._begin(f"probe {target.camera}", lambda: self._answer_probe(target, request))
            case SendFrames(request):
                self._collecting[request.request] = request
                self._begin(f"frames {request.request}", lambda: self._send_frames(request))
            case StopFrames(request):
                self._collecting.pop(request, None)
                self._cancel(f"frames {request}")

    def forget_except(self, target: TargetState) -> None:
        """What was answered is remembered while `target` may still name it, not for ever."""
        self._done &= {request.request for request in target.frame_requests}
        cameras = {camera.camera for camera in target.cameras}
        self.probes = {camera: number for camera, number in self.probes.items() if camera in cameras}

    async def stop(self) -> None:
        for name in list(self._tasks):
            self._cancel(name)

    def _begin(self, name: str, job: Callable[[], Awaitable[None]]) -> None:
        self._cancel(name)
        self._tasks[name] = asyncio.create_task(self._guarded(name, job), name=name)

    def _cancel(self, name: str) -> None:
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()
        self._failures.pop(name, None)

    async def _guarded(self, name: str, job: Callable[[], Awaitable[None]]) -> None:
        """The edge of the task: a refusal of the server is logged and is the end of this request."""
        try:
            await job()
        except GemelError as error:
            log.warning("%s: %s", name, error)
        finally:
            self._failures.pop(name, None)
            if self._tasks.get(name) is asyncio.current_task():
                del self._tasks[name]
            self._on_change()

    def _delayed(self, name: str) -> Callable[[str], None]:
        def note(sentence: str) -> None:
            if sentence:
                self._failures[name] = sentence
            else:
                self._failures.pop(name, None)
            self._on_change()

        return note

    async def _answer_probe(self, target: CameraTarget, request: int) -> None:
        result, image = await asyncio.to_thread(self._cameras.probe, target, request)
        picture = None
        if image is not None and target.privacy is not Privacy.OFF:
            shown = narrowed(image if target.privacy is Privacy.FULL else pixelated(image))
            picture = await asyncio.to_thread(jpeg, shown, quality=PREVIEW_QUALITY)
        name = f"probe {target.camera}"
        await until_accepted(
            lambda: self._api.probe_answer(target.camera, result, picture), on_delay=self._delayed(name)
        )

    async def _send_frames(self, request: FrameRequest) -> None:
        try:
            problem = await collect_frames(
                request,
                picture=lambda: self._picture(request.camera),
                send=lambda index, pictures: self._api.frames_add(request.request, index, pictures),
            )
            name = f"frames {request.request}"
            await until_accepted(
                lambda: self._api.frames_complete(request.request, problem), on_delay=self._delayed(name)
            )
        finally:
            # Refused or sent, it is over; cancelled, it may be asked for again.
            if self._collecting.pop(request.request, None) is not None:
                self._done.add(request.request)

    def _picture(self, camera: str) -> Cleared | None:
        target = self._cameras.targets.get(camera)
        if target is None:
            raise PrivacyRefusal("The camera was removed from the box before its frames were taken.")
        return cleared_for_dataset(target.privacy, self._cameras.latest(camera), self._board.of_camera(camera))
