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
_BEAM_LEVELS = (62, 105, 135)
# Three beams inside one another, each four corners on the ground from the middle of the bumper.
_BEAMS = np.array(
    [
        corner
        for reach, half in ((9.5, 2.1), (6.5, 1.6), (3.6, 1.2))
        for corner in ((0.4, 0.8, 0.0), (reach, half, 0.0), (reach, -half, 0.0), (0.4, -0.8, 0.0))
    ]
)


def cast_shadows(
    image: np.ndarray, shaded: np.ndarray, actors: list[Actor], pinhole: Pinhole, sun: np.ndarray | None
) -> np.ndarray:
    """`image` with `shaded` in the shadows. `sun`: direction towards it; None when overcast or dark."""
    height, width = image.shape[:2]
    mask = np.zeros((height // _STEP, width // _STEP), np.uint8)
    if actors:
        outlines = np.stack([_outline(actor, sun) for actor in actors])
        pixels, depth = pinhole.project(outlines.reshape(-1, 3))
        fixed = np.rint(pixels / _STEP * 16).astype(np.int32).reshape(len(actors), -1, 2)
        for outline, near in zip(fixed, depth.reshape(len(actors), -1).min(1), strict=True):
            if near > NEAR_M:
                cv2.fillConvexPoly(mask, cv2.convexHull(outline), 255, cv2.LINE_AA, 4)
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
        if actor.kind in VEHICLES:
            front = np.array([vehicle_mesh(actor.kind, actor.key).size[0] / 2, 0.0, 0.0])
            pixels, depth = pinhole.project(to_world(_BEAMS + front, actor))
            if depth.min() > NEAR_M:
                fixed = np.rint(pixels / _POOL_STEP * 16).astype(np.int32).reshape(len(_BEAM_LEVELS), 4, 2)
                for beam, level in zip(fixed, _BEAM_LEVELS, strict=True):
                    cv2.fillConvexPoly(pool, beam, level, cv2.LINE_AA, 4)
    pool = cv2.resize(cv2.GaussianBlur(pool, (7, 7), 0), (width, height), interpolation=cv2.INTER_LINEAR)
    tinted = cv2.merge([cv2.convertScaleAbs(pool, alpha=strength * c / 255) for c in _POOL_COLOUR])
    cv2.add(image, cv2.multiply(plain, tinted, scale=1 / 255), dst=image)
