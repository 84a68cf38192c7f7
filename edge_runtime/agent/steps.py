"""What has to be done to bring a box from what it is to what is wanted: pure, as data. `reconciler` carries it out.

Only what differs becomes a step, so that one new camera or query never restarts the rest.
"""

from dataclasses import dataclass, field

from edge_runtime.agent.health_window import Verdict
from edge_runtime.protocol.target import BundleTarget, CameraTarget, FrameRequest, QueryTarget, TargetState


@dataclass(frozen=True)
class StopCamera:
    camera: str


@dataclass(frozen=True)
class StartCamera:
    """Also replaces a camera whose source changed."""

    target: CameraTarget


@dataclass(frozen=True)
class RelabelCamera:
    """A change that needs no new connection: name or privacy."""

    target: CameraTarget


@dataclass(frozen=True)
class FetchBundle:
    """Download what is missing, verify, stage."""

    bundle: BundleTarget


@dataclass(frozen=True)
class RunBundle:
    """Prepare the staged bundle for these queries and switch to it between two frames."""

    bundle: BundleTarget
    queries: tuple[QueryTarget, ...]


@dataclass(frozen=True)
class RefuseBundle:
    """Give up the bundle on trial and go back to the last good one."""

    bundle: BundleTarget
    reason: str


@dataclass(frozen=True)
class ConfirmBundle:
    """What runs has proved good."""

    digest: str


@dataclass(frozen=True)
class AnswerProbe:
    target: CameraTarget
    request: int


@dataclass(frozen=True)
class SendFrames:
    request: FrameRequest


@dataclass(frozen=True)
class StopFrames:
    """A frame request that is no longer wanted."""

    request: str


Step = (
    StopCamera
    | StartCamera
    | RelabelCamera
    | FetchBundle
    | RunBundle
    | RefuseBundle
    | ConfirmBundle
    | AnswerProbe
    | SendFrames
    | StopFrames
)


@dataclass(frozen=True)
class Current:
    """What the box is now. `staged`: digests whose every blob is on disk. `queries` belong to `running`.

    `verdict`: of the health window of `running`, None while none is open or it waits. `is_refused`: the target's bundle
    is one that was given up; `fallback`: the digest to run instead, whose models have `slots`.
    `probes` and `frame_requests` hold those answered, or being answered right now; `collecting` only the latter.
    """

    running: str = ""
    queries: tuple[QueryTarget, ...] = ()
    verdict: Verdict | None = None
    is_refused: bool = False
    fallback: str = ""
    slots: frozenset[str] = frozenset()
    staged: frozenset[str] = frozenset()
    cameras: dict[str, CameraTarget] = field(default_factory=dict)
    probes: dict[str, int] = field(default_factory=dict)
    frame_requests: frozenset[str] = frozenset()
    collecting: frozenset[str] = frozenset()


def required_steps(target: TargetState, current: Current) -> tuple[Step, ...]:
    """In the order to carry out: pictures first, then the models, then what people wait for less."""
    return (*_camera_steps(target, current), *_bundle_steps(target, current), *_request_steps(target, current))


def _camera_steps(target: TargetState, current: Current) -> list[Step]:
    wanted = {camera.camera: camera for camera in target.cameras}
    steps: list[Step] = [StopCamera(camera) for camera in current.cameras if camera not in wanted]
    for camera in target.cameras:
        running = current.cameras.get(camera.camera)
        if running is None or running.source != camera.source:
            steps.append(StartCamera(camera))
        elif running != camera:
            steps.append(RelabelCamera(camera))
    return steps


def _bundle_steps(target: TargetState, current: Current) -> list[Step]:
    verdict, bundle = current.verdict, target.bundle
    if verdict is not None and not verdict.is_healthy:
        failed = bundle if bundle is not None and bundle.manifest_digest == current.running else None
        return [RefuseBundle(failed or BundleTarget(current.running, 0), verdict.reason)]  # what follows is seen then
    steps: list[Step] = [] if verdict is None else [ConfirmBundle(current.running)]
    if bundle is None:
        return steps
    if current.is_refused:
        return [*steps, *_fallback_steps(target, current)]
    if bundle.manifest_digest not in current.staged:
        steps.append(FetchBundle(bundle))
    if bundle.manifest_digest != current.running or _by_id(target.queries) != _by_id(current.queries):
        steps.append(RunBundle(bundle, target.queries))
    return steps


def _fallback_steps(target: TargetState, current: Current) -> list[Step]:
    """With a bundle that the target does not name: those of the queries that it can answer."""
    queries = tuple(query for query in target.queries if query.slot in current.slots)
    is_there = current.fallback == current.running and _by_id(queries) == _by_id(current.queries)
    return [] if is_there or not current.fallback else [RunBundle(BundleTarget(current.fallback, 0), queries)]


def _by_id(queries: tuple[QueryTarget, ...]) -> dict[str, QueryTarget]:
    return {query.query: query for query in queries}


def _request_steps(target: TargetState, current: Current) -> list[Step]:
    cameras = {camera.camera: camera for camera in target.cameras}
    wanted = {request.request for request in target.frame_requests}
    steps: list[Step] = [
        AnswerProbe(cameras[camera], request)
        for camera, request in target.probes.items()
        if camera in cameras and current.probes.get(camera) != request
    ]
    steps += [StopFrames(request) for request in sorted(current.collecting - wanted)]
    steps += [SendFrames(request) for request in target.frame_requests if request.request not in current.frame_requests]
    return steps
