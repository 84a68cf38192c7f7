"""Shadows that objects cast on the ground, and the pools of light before their lamps."""

import math

import cv2
import numpy as np

from edge_runtime.scenes.figures import VEHICLES, to_world
from edge_runtime.scenes.pinhole import NEAR_M, Pinhole
from edge_runtime.scenes.traffic import Actor
from edge_runtime.scenes.vehicles import vehicle_mesh

_STEP = 2  # shadows are drawn at half size: soft edges for a quarter of the work
_POOL_STEP = 4
_POOL_COLOUR = (255, 236, 190)


def cast_shadows(
    image: np.ndarray, shaded: np.ndarray, actors: list[Actor], pinhole: Pinhole, sun: np.ndarray | None
) -> np.ndarray:
    """`image` with `shaded` in the shadows. `sun`: direction towards it; None when overcast or dark."""
    height, width = image.shape[:2]
    mask = np.zeros((height // _STEP, width // _STEP), np.uint8)
    for actor in actors:
        outline = _outline(actor, sun)
        pixels, depth = pinhole.project(outline)
        if depth.min() > NEAR_M:
            hull = cv2.convexHull(np.rint(pixels / _STEP * 16).astype(np.int32))
            cv2.fillConvexPoly(mask, hull, 255, cv2.LINE_AA, 4)
    soft = cv2.resize(cv2.blur(mask, (3, 3)), (width, height), interpolation=cv2.INTER_LINEAR)
    share = soft.astype(np.float32) * (1 / 255)
    return cv2.blendLinear(shaded, image, share, 1 - share)


def _outline(actor: Actor, sun: np.ndarray | None) -> np.ndarray:
    """(N, 3) points on the ground whose hull is the shadow."""
    if actor.kind in VEHICLES:
        length, width, height = vehicle_mesh(actor.kind, actor.key).size
        length, width = length + 0.1, width + 0.15
    else:
        length, width, height = (1.7, 0.4, 1.6) if actor.kind == "bicycle" else (0.34, 0.44, 1.7)
    base = np.array([(length / 2, width / 2, 0), (-length / 2, width / 2, 0), (-length / 2, -width / 2, 0),
                     (length / 2, -width / 2, 0)])  # fmt: skip
    low = to_world(base, actor)
    if sun is None:
        return low
    roof = to_world(base * (0.8, 0.85, 0), actor)
    roof[:, :2] -= sun[:2] / sun[2] * height
    return np.concatenate([low, roof])


def light_pools(image: np.ndarray, plain: np.ndarray, actors: list[Actor], pinhole: Pinhole, strength: float) -> None:
    """Brightens, in place, the ground before vehicles; `plain` holds the ground's own colours."""
    height, width = image.shape[:2]
    pool = np.zeros((math.ceil(height / _POOL_STEP), math.ceil(width / _POOL_STEP)), np.uint8)
    for actor in actors:
        if actor.kind not in VEHICLES:
            continue
        front = vehicle_mesh(actor.kind, actor.key).size[0] / 2
        for reach, half, level in ((9.5, 2.1, 62), (6.5, 1.6, 105), (3.6, 1.2, 135)):
            beam = np.array([(front + 0.4, 0.8, 0), (front + reach, half, 0), (front + reach, -half, 0),
                             (front + 0.4, -0.8, 0)])  # fmt: skip
            pixels, depth = pinhole.project(to_world(beam, actor))
            if depth.min() > NEAR_M:
                cv2.fillConvexPoly(pool, np.rint(pixels / _POOL_STEP * 16).astype(np.int32), level, cv2.LINE_AA, 4)
    pool = cv2.resize(cv2.GaussianBlur(pool, (7, 7), 0), (width, height), interpolation=cv2.INTER_LINEAR)
    tinted = cv2.merge([cv2.convertScaleAbs(pool, alpha=strength * c / 255) for c in _POOL_COLOUR])
    cv2.add(image, cv2.multiply(plain, tinted, scale=1 / 255), dst=image)
