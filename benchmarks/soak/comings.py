"""What comes and goes while the box runs: cameras, queries, bundles, the server itself. One round after the other.

Every round is the same, so that what the box holds at the same moment of two rounds can be compared.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import torch

from edge_runtime.bundles.tensors import tensor_entry
from edge_runtime.protocol.manifest import ModelEntry
from edge_runtime.protocol.target import CameraTarget, FrameRequest, QueryTarget
from edge_runtime.vision.architectures import build
from edge_runtime.vision.spec import ModelSpec
from tests.simulators.box_server import FleetServer
from tests.simulators.clips import write_clip
from tests.simulators.rtsp_server import RtspServer

SPEC = ModelSpec("resnet18_w24", ("quiet", "busy"), (64, 64))
# Two of the three models fit, all three when they are merged.
BYTES_FOR_MODELS = 16 * 2**20
RATE_FPS, DEADLINE_MS = 4.0, 1000
SCENE = CameraTarget("scene", "Crossing", "scene://crossing?seed=1")
SECOND = CameraTarget("scene-2", "Crossing again", "scene://crossing?seed=2")


class Comings:
    """`server` must run; the box is enrolled at it. Start with `begin`, then do what `round` yields, one at a time."""

    def __init__(self, server: FleetServer, folder: Path) -> None:
        self._server = server
        film = write_clip(folder / "square.mp4", frames=48, size=(320, 240))
        self._film = CameraTarget("film", "Film", str(film))
        self._rtsp = RtspServer(film)
        self._rtsp.start()
        self._live = CameraTarget("live", "Live", self._rtsp.url)
        self._models = {is_merged: _bundle(is_merged) for is_merged in (False, True)}
        self.bundles = 0
        self.rounds = 0

    def close(self) -> None:
        self._rtsp.kill()

    def begin(self) -> None:
        self._want((SCENE, SECOND), (_query("scene", "a"), _query("scene-2", "b")))
        self._publish(is_merged=False)

    def round(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """(what it is, the doing), in order."""
        cameras, queries = (SCENE, SECOND), (_query("scene", "a"), _query("scene-2", "b"))
        film, live = _query("film", "b"), _query("live", "c")
        self.rounds += 1
        yield "a film camera comes", lambda: self._want((*cameras, self._film), (*queries, film))
        yield (
            "an RTSP camera comes",
            lambda: self._want((*cameras, self._film, self._live), (*queries, film, live)),
        )
        yield "pictures are wanted", self._ask_for_pictures
        yield "the RTSP camera loses power", self._rtsp.kill
        yield "it is back", self._rtsp.start
        yield "the merged bundle comes", lambda: self._publish(is_merged=True)
        yield "the film camera goes", lambda: self._want((*cameras, self._live), (*queries, live))
        yield "the RTSP camera hangs", self._rtsp.stall
        yield "it goes while it hangs", lambda: self._want(cameras, queries)
        yield "it would be well again", self._rtsp.resume
        yield "the server goes", self._server.stop
        yield "the server is back", self._server.start
        yield "a rendered camera goes", lambda: self._want((SCENE,), (_query("scene", "a"),))
        yield "it is back", lambda: self._want(cameras, queries)
        yield "the unmerged bundle comes", lambda: self._publish(is_merged=False)

    def _want(self, cameras: tuple[CameraTarget, ...], queries: tuple[QueryTarget, ...]) -> None:
        self._server.change(cameras=cameras, queries=queries)

    def _publish(self, *, is_merged: bool) -> None:
        self.bundles += 1
        entries, tensors = self._models[is_merged]
        self._server.publish(entries, tensors, version=self.bundles)

    def _ask_for_pictures(self) -> None:
        self._server.want_preview("scene", seconds=1.5, rate_fps=4.0)
        request = FrameRequest(f"frames-{self.rounds}", "scene-2", 4, 1.0)
        self._server.change(frame_requests=(request,), probes={"film": self.rounds})


def _query(camera: str, slot: str) -> QueryTarget:
    return QueryTarget(f"query-{camera}", f"On {camera}", slot, camera, ("busy",), RATE_FPS, DEADLINE_MS, 0.95)


def _bundle(is_merged: bool) -> tuple[tuple[ModelEntry, ...], dict[str, torch.Tensor]]:
    """Models a, b and c, and their blobs by digest. Merged, b and c have the convolutions of a."""
    torch.manual_seed(1)
    own = {slot: build(SPEC).state_dict() for slot in "abc"}
    entries, blobs = list[ModelEntry](), dict[str, torch.Tensor]()
    for slot, state in own.items():
        running = {**state, **{name: value for name, value in own["a"].items() if value.dim() == 4 and is_merged}}
        original = state if is_merged and slot != "a" else None
        named = [{name: tensor_entry(tensor) for name, tensor in part.items()} for part in (running, original or {})]
        blobs |= {named[0][name].digest: tensor for name, tensor in running.items()}
        blobs |= {named[1][name].digest: tensor for name, tensor in (original or {}).items()}
        entry = ModelEntry(slot, "classification", SPEC.architecture, SPEC.classes, SPEC.input_size, named[0])
        entries.append(msgspec.structs.replace(entry, original_tensors=named[1] or None))
    return tuple(entries), blobs
