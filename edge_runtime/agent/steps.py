"""What has to be done to bring a box from what it is to what is wanted: pure, as data. `reconciler` carries it out.

Only what differs becomes a step, so that one new camera or query never restarts the rest.
"""

from dataclasses import dataclass, field

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


Step = StopCamera | StartCamera | RelabelCamera | FetchBundle | RunBundle | AnswerProbe | SendFrames | StopFrames


@dataclass(frozen=True)
class Current:
    """What the box is now. `staged`: digests whose every blob is on disk. `queries` belong to `running`.

    `probes` and `frame_requests` hold those answered, or being answered right now; `collecting` only the latter.
    """

    running: str = ""
    queries: tuple[QueryTarget, ...] = ()
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
    bundle = target.bundle
    if bundle is None:
        return []
    steps: list[Step] = []
    if bundle.manifest_digest not in current.staged:
        steps.append(FetchBundle(bundle))
    if bundle.manifest_digest != current.running or _by_id(target.queries) != _by_id(current.queries):
        steps.append(RunBundle(bundle, target.queries))
    return steps


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
