"""Frames of a demo camera on other days, at a network's input size, rendered once and kept under var/.

Training, validation and test use seeds of their own; none is the seed of a camera of the demo.
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import msgspec
import numpy as np

from edge_runtime.protocol.messages import FrameObject
from edge_runtime.scenes import Scene, SceneSpec, parse_scene

# Longer than a condition's period (see edge_runtime.scenes.conditions): every seed shows every light and weather.
FRAMES_PER_SEED = 100
SPACING_S = 2.9
SEEDS = {"train": range(101, 125), "validation": range(201, 204), "test": range(301, 305)}


class Labels(msgspec.Struct, frozen=True):
    objects: tuple[FrameObject, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Pictures:
    """`images`: (N, h, w, 3) uint8 RGB."""

    images: np.ndarray
    labels: tuple[Labels, ...]


def pictures(source: str, split: str, input_size: tuple[int, int], cache: Path) -> Pictures:
    """The frames of one split. Raises SceneError."""
    spec = parse_scene(source)
    key = f"{replace(spec, seed=0).address} {split} {input_size} {SEEDS[split]} {FRAMES_PER_SEED} {SPACING_S}"
    path = cache / hashlib.sha256(key.encode()).hexdigest()[:16]
    if not path.with_suffix(".json").exists():
        cache.mkdir(parents=True, exist_ok=True)
        rendered = _render(spec, split, input_size)
        np.save(path.with_suffix(".npy"), rendered.images)
        path.with_suffix(".json").write_bytes(msgspec.json.encode(rendered.labels))
    labels = msgspec.json.decode(path.with_suffix(".json").read_bytes(), type=tuple[Labels, ...])
    return Pictures(np.load(path.with_suffix(".npy")), labels)


def _render(spec: SceneSpec, split: str, input_size: tuple[int, int]) -> Pictures:
    images, labels = [], []
    for seed in SEEDS[split]:
        scene = Scene(replace(spec, seed=seed))
        for order in range(FRAMES_PER_SEED):
            frame = scene.render(round(order * SPACING_S * scene.rate_fps))
            # The same shrinking as vision.preprocess does on the box; it then finds the size right and only normalises.
            images.append(cv2.resize(frame.image, input_size[::-1], interpolation=cv2.INTER_AREA))
            labels.append(Labels(frame.objects, frame.tags))
    return Pictures(np.stack(images), tuple(labels))
