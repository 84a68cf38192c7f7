"""Frames of a demo camera on other days, at a network's input size, rendered once and kept under var/.

A day is a seed. Training, validation and test use days of their own; none is the seed of a camera of the demo.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import msgspec
import numpy as np

from edge_runtime.protocol.messages import FrameObject
from edge_runtime.scenes import Scene, SceneSpec, parse_scene

# Longer than a condition's period (see edge_runtime.scenes.conditions): every day shows every light and weather.
FRAMES_PER_DAY = 100
SPACING_S = 2.9
TRAIN_DAYS = range(101, 201)
VALIDATION_DAYS = range(201, 204)
TEST_DAYS = range(301, 305)


class Labels(msgspec.Struct, frozen=True):
    objects: tuple[FrameObject, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Pictures:
    """`images`: (N, h, w, 3) uint8 RGB."""

    images: np.ndarray
    labels: tuple[Labels, ...]


def pictures(source: str, days: Sequence[int], input_size: tuple[int, int], cache: Path) -> Pictures:
    """All frames of `days`, in order. Raises SceneError."""
    spec = parse_scene(source)
    parts = [_day(replace(spec, seed=day), input_size, cache) for day in days]
    return Pictures(
        np.concatenate([part.images for part in parts]), tuple(label for part in parts for label in part.labels)
    )


def render_days(source: str, days: Sequence[int], sizes: Sequence[tuple[int, int]], cache: Path) -> None:
    """Fills the cache for several input sizes at once: rendering costs more than all else."""
    cache.mkdir(parents=True, exist_ok=True)
    spec = parse_scene(source)
    for day in days:
        paths = {size: _path(replace(spec, seed=day), size, cache) for size in sizes}
        if not all(path.with_suffix(".json").exists() for path in paths.values()):
            _render(replace(spec, seed=day), paths)


def _day(spec: SceneSpec, size: tuple[int, int], cache: Path) -> Pictures:
    path = _path(spec, size, cache)
    labels = msgspec.json.decode(path.with_suffix(".json").read_bytes(), type=tuple[Labels, ...])
    return Pictures(np.load(path.with_suffix(".npy")), labels)


def _path(spec: SceneSpec, size: tuple[int, int], cache: Path) -> Path:
    key = f"{spec.address} {tuple(size)} {FRAMES_PER_DAY} {SPACING_S}"
    return cache / hashlib.sha256(key.encode()).hexdigest()[:16]


def _render(spec: SceneSpec, paths: dict[tuple[int, int], Path]) -> None:
    scene = Scene(spec)
    images: dict[tuple[int, int], list[np.ndarray]] = {size: [] for size in paths}
    labels = []
    for order in range(FRAMES_PER_DAY):
        frame = scene.render(round(order * SPACING_S * scene.rate_fps))
        labels.append(Labels(frame.objects, frame.tags))
        for (height, width), kept in images.items():
            # As vision.preprocess shrinks on the box; it then finds the size right and only normalises.
            kept.append(cv2.resize(frame.image, (width, height), interpolation=cv2.INTER_AREA))
    for size, path in paths.items():
        np.save(path.with_suffix(".npy"), np.stack(images[size]))
        path.with_suffix(".json").write_bytes(msgspec.json.encode(labels))
