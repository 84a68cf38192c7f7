"""The workload: the demo's box north-gate, its models as registered and as merged, and a film of its cameras."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from demo.content import Content, Query, load_content
from demo.merges import SHIPPED, core_name
from demo.shipped_merges import unpack
from edge_runtime.bundles.tensors import map_tensor, tensor_entry, write_bundle
from edge_runtime.protocol.manifest import Manifest, ModelEntry, TensorEntry, decode_manifest
from edge_runtime.protocol.target import QueryTarget
from edge_runtime.scenes import Scene, parse_scene
from edge_runtime.scheduling.workload import QueryLoad, Workload
from edge_runtime.serving.answering import batch_of
from edge_runtime.serving.skeleton import Skeleton, spec_of
from edge_runtime.vision.metrics import FrameScore, accuracy, frame_score
from edge_runtime.vision.spec import Prediction, Truth
from edge_runtime.vision.tasks import functions_for

BOX = "north-gate"
_CPU = torch.device("cpu")


@dataclass(frozen=True)
class OnDisk:
    """A bundle whose models run alone: nothing is scored against originals while frames are counted."""

    manifest: Manifest
    folder: Path

    def tensor(self, entry: TensorEntry) -> torch.Tensor:
        return map_tensor(entry, self.folder / "blobs" / entry.digest)


@dataclass(frozen=True)
class Filmed:
    """Frame `number` of a camera, captured `at` seconds after the start; truths by slot, None where unknown."""

    camera: str
    number: int
    at: float
    image: np.ndarray
    truths: dict[str, Truth | None]


def bundles(folder: Path) -> dict[bool, OnDisk]:
    """By whether merged."""
    run = unpack(SHIPPED / BOX, folder)
    bundle = run / "bundle"
    manifest = decode_manifest((bundle / "manifest.json").read_bytes())
    originals = {tensor_entry(tensor).digest: tensor for model in manifest.models for tensor in _original(model)}
    write_bundle(bundle, manifest, originals)
    own = [_running(model, model.original_tensors or model.tensors) for model in manifest.models]
    merged = [_running(model, model.tensors) for model in manifest.models]
    return {is_merged: OnDisk(_with(manifest, models), bundle) for is_merged, models in ((False, own), (True, merged))}


def _running(model: ModelEntry, tensors: dict[str, TensorEntry]) -> ModelEntry:
    return ModelEntry(model.slot, model.task, model.architecture, model.classes, model.input_size, tensors)


def _with(manifest: Manifest, models: Sequence[ModelEntry]) -> Manifest:
    return Manifest(manifest.box, manifest.version, tuple(models), manifest.created_at)


def _original(model: ModelEntry) -> Iterator[torch.Tensor]:
    content, query = load_content(), _query(model.slot)
    registered = next(original for original in content.models if original.name == query.model)
    for tensor in load_file(registered.weights).values():
        yield tensor.float() if tensor.is_floating_point() else tensor


def _query(slot: str) -> Query:
    return next(query for query in load_content().queries if core_name(query.name) == slot)


def targets(slots: Sequence[str], rate_fps: float, deadline_ms: int) -> list[QueryTarget]:
    """One query per model: the demo's, and for models that are not of the demo its cameras in turn."""
    content = load_content()
    own = {core_name(query.name): query for query in content.queries}
    cameras = [camera.name for camera in content.cameras if camera.box == BOX]
    return [
        QueryTarget(
            query=slot,
            name=slot,
            slot=slot,
            camera=own[slot].camera if slot in own else cameras[number % len(cameras)],
            objects=own[slot].objects if slot in own else (),
            rate_fps=rate_fps,
            deadline_ms=deadline_ms,
            accuracy_target=own[slot].accuracy_target if slot in own else 0.9,
        )
        for number, slot in enumerate(slots)
    ]


def workload(queries: Sequence[QueryTarget]) -> Workload:
    """As `film` plays it: cameras take turns within a period."""
    phases = _phases(queries)
    return Workload(
        tuple(
            QueryLoad(q.query, q.slot, q.rate_fps, q.deadline_ms, q.camera, q.priority, phases[q.camera])
            for q in queries
        )
    )


def _phases(queries: Sequence[QueryTarget]) -> dict[str, float]:
    cameras = tuple(dict.fromkeys(query.camera for query in queries))
    return {camera: number / len(cameras) for number, camera in enumerate(cameras)}


def film(manifest: Manifest, queries: Sequence[QueryTarget], seconds: float, start_s: float) -> list[Filmed]:
    """What the cameras show from `start_s` on, in order of time, at the queries' rate, which is the same for all."""
    content, rate_fps = load_content(), queries[0].rate_fps
    frames = []
    for camera, phase in _phases(queries).items():
        slots = [query.slot for query in queries if query.camera == camera]
        frames += list(_filmed(content, manifest, camera, slots, [phase, rate_fps, seconds, start_s]))
    return sorted(frames, key=lambda frame: frame.at)


def _filmed(
    content: Content, manifest: Manifest, camera: str, slots: Sequence[str], timing: Sequence[float]
) -> Iterator[Filmed]:
    phase, rate_fps, seconds, start_s = timing
    scene = Scene(parse_scene(content.camera(camera).source))
    specs = {model.slot: spec_of(model) for model in manifest.models if model.slot in slots}
    for number in range(int(seconds * rate_fps)):
        at = (number + phase) / rate_fps
        frame = scene.render(round((start_s + at) * scene.rate_fps))
        truths = {slot: functions_for(spec).truth_of(frame.objects, frame.tags, spec) for slot, spec in specs.items()}
        yield Filmed(camera, number, at, frame.image, truths)


@dataclass(frozen=True)
class Answers:
    """What each slot's model answers to every frame, and the truth: by slot, in order of the frames' numbers."""

    predictions: dict[str, list[Prediction]]
    truths: dict[str, list[Truth | None]]

    def accuracy(self, answered: dict[str, set[int]], first: int) -> float:
        """End to end, over frames from `first` on: one that was not processed in time takes the last answer."""
        return float(np.mean([self._of(slot, answered[slot], first) for slot in self.predictions]))

    def _of(self, slot: str, answered: set[int], first: int) -> float:
        scores: list[FrameScore] = []
        last: Prediction | None = None
        for number, (prediction, truth) in enumerate(zip(self.predictions[slot], self.truths[slot], strict=True)):
            last = prediction if number in answered else last
            if number >= first and truth is not None:
                scores.append(frame_score(last, truth) if last is not None else _unanswered(prediction, truth))
        return accuracy(scores)


def _unanswered(prediction: Prediction, truth: Truth) -> FrameScore:
    """As wrong as no answer is: every true object is missed, nothing is invented."""
    asked = frame_score(prediction, truth)
    return FrameScore(0, 0, asked.true_positives + asked.false_negatives)


def answers(on_disk: OnDisk, frames: Sequence[Filmed]) -> Answers:
    predictions, truths = dict[str, list[Prediction]](), dict[str, list[Truth | None]]()
    for model in on_disk.manifest.models:
        skeleton = Skeleton(spec_of(model), model.tensors, _CPU)
        for key, wanted in skeleton.wanted.items():
            skeleton.attach(key, on_disk.tensor(wanted.entry).to(wanted.dtype))
        own = [frame for frame in frames if model.slot in frame.truths]
        functions = functions_for(skeleton.spec)
        predictions[model.slot] = [
            functions.predict(skeleton.module, batch_of([frame.image], skeleton.spec, _CPU))[0] for frame in own
        ]
        truths[model.slot] = [frame.truths[model.slot] for frame in own]
    return Answers(predictions, truths)
