"""The lit background of a camera: from painted layers to pictures for any light and weather.

Three light levels times clear, rain and fog are worked out once; what lies between is a blend, kept per step.
"""

from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from edge_runtime.scenes.conditions import Conditions
from edge_runtime.scenes.ground import noise
from edge_runtime.scenes.layouts import LAYOUTS, Layout
from edge_runtime.scenes.lighting import AMBIENT, GLOW, LAMP, SKY_LOW, SKY_TOP, SUN, illumination
from edge_runtime.scenes.pinhole import Pinhole
from edge_runtime.scenes.posts import lamp_head
from edge_runtime.scenes.scenery import SKY_M, SUPERSAMPLING, Occluder, Scenery, paint_scenery

_KEPT_STEPS = 6


@dataclass(frozen=True)
class Lit:
    """`image`: (H, W, 3) uint8; `shaded`: the same with the sun taken away, for what lies in a shadow."""

    image: np.ndarray
    shaded: np.ndarray


class Backdrop:
    """The unmoving part of a camera's picture. `plain`: surfaces' own colours, uint8; `lamplight`: (H, W) 0..1."""

    def __init__(self, layout: Layout, pinhole: Pinhole) -> None:
        scenery = paint_scenery(layout, pinhole)
        self.occluders: tuple[Occluder, ...] = scenery.occluders
        lamplight = _lamplight(scenery, layout)
        self.depth = _small(scenery.depth)
        self.lamplight = _small(lamplight)
        self.wetness = _small(scenery.wetness)
        self.plain = _small(np.clip(scenery.colour, 0, 255)).astype(np.uint8)
        self._images = _light_all(scenery, lamplight)
        self._steps: OrderedDict[Conditions, Lit] = OrderedDict()

    def lit(self, conditions: Conditions) -> Lit:
        found = self._steps.get(conditions)
        if found is None:
            found = self._steps[conditions] = self._blend(conditions)
            if len(self._steps) > _KEPT_STEPS:
                self._steps.popitem(last=False)
        return found

    def _blend(self, conditions: Conditions) -> Lit:
        weather = {"clear": 1 - conditions.rain - conditions.fog, "rain": conditions.rain, "fog": conditions.fog}
        low = min(1, int(conditions.light))
        image, shaded = np.zeros_like(self._images["clear", 0]), np.zeros_like(self._images["clear", 0])
        for light, share in ((low, 1 - conditions.light + low), (low + 1, conditions.light - low)):
            for word, part in weather.items():
                if share * part > 0:
                    image += self._images[word, light] * (share * part)
                    if word == "clear":
                        shaded += self._images["shade", light] * (share * part * 0.86)
                    else:
                        shaded += self._images[word, light] * (share * part * 0.66)
        lighting = illumination(conditions)
        seen = np.exp(-self.depth * lighting.fog_per_m)[..., None]
        return Lit(*(_bytes(lighting.fog_colour + (layer - lighting.fog_colour) * seen) for layer in (image, shaded)))


@lru_cache(maxsize=8)
def backdrop_for(layout: str, view: str, width: int, height: int) -> Backdrop:
    """One per camera position: boxes with several cameras on one view share it. Treat it as read-only."""
    return Backdrop(LAYOUTS[layout], Pinhole(LAYOUTS[layout].poses[view], width, height))


def _bytes(layer: np.ndarray) -> np.ndarray:
    return np.clip(layer, 0, 255).astype(np.uint8)


def _small(layer: np.ndarray) -> np.ndarray:
    return cv2.resize(layer, None, fx=1 / SUPERSAMPLING, fy=1 / SUPERSAMPLING, interpolation=cv2.INTER_AREA)


def _lamplight(scenery: Scenery, layout: Layout) -> np.ndarray:
    """(2 H, 2 W) float32: how strongly the street lamps light each place, 1 close under one."""
    points = scenery.pinhole.position.astype(np.float32) + scenery.rays * scenery.depth[..., None]
    points = _small(points)
    total = np.zeros(points.shape[:2], np.float32)
    for post in layout.posts:
        if post.kind == "lamp":
            offset = points - lamp_head(post).astype(np.float32)
            total += 1 / (1 + (offset * offset).sum(-1) / 30.0) ** 1.6
    total = np.minimum(total * 3.0, 1.25)
    total[points[..., 2] > 12] = 0
    return cv2.resize(total, scenery.depth.shape[::-1])


def _light_all(scenery: Scenery, lamplight: np.ndarray) -> dict[tuple[str, int], np.ndarray]:
    """(H, W, 3) float32 by ("clear" | "shade" | "rain" | "fog", light). "shade" is clear weather without the sun."""
    images = {}
    clouds = noise(scenery.depth.shape, 60, np.random.default_rng(3)) * 0.6
    clouds += noise(scenery.depth.shape, 23, np.random.default_rng(4)) * 0.35
    is_sky = scenery.depth >= SKY_M
    for light in range(3):
        for overcast, word in ((0, "clear"), (1, "fog")):
            lamp = lamplight[..., None] * np.asarray(LAMP[light], np.float32)
            shade = scenery.colour * (np.asarray(AMBIENT[overcast][light], np.float32) + lamp)
            shade += scenery.glow * GLOW[light]
            sky = _sky(scenery, clouds, overcast, light)
            horizon = np.asarray(SKY_LOW[overcast][light], np.float32)
            shade[scenery.is_water] = shade[scenery.is_water] * 0.62 + horizon * 0.32
            shade[is_sky] = sky[is_sky]
            sunny = shade + scenery.colour * scenery.sunlit[..., None] * np.asarray(SUN[overcast][light], np.float32)
            sunny[is_sky] = sky[is_sky]
            images[word, light] = _small(sunny)
            if not overcast:
                images["shade", light] = _small(shade)
        images["rain", light] = _wet(images["fog", light], scenery)
    return images


def _sky(scenery: Scenery, clouds: np.ndarray, overcast: int, light: int) -> np.ndarray:
    rise = np.clip(scenery.rays[..., 2] / np.linalg.norm(scenery.rays, axis=-1) / 0.34, 0, 1)[..., None] ** 0.8
    low, top = np.asarray(SKY_LOW[overcast][light]), np.asarray(SKY_TOP[overcast][light])
    sky = (low * (1 - rise) + top * rise).astype(np.float32)
    cover = np.clip(clouds - (0.15 if not overcast else -0.3), 0, 1)[..., None]
    tint = np.asarray(((250, 250, 252), (236, 168, 140), (30, 32, 48))[light], np.float32)
    return sky + (tint - sky) * cover * (0.6 if not overcast else 0.18)


def _wet(dry: np.ndarray, scenery: Scenery) -> np.ndarray:
    """Darker surfaces that mirror what stands behind them, the more the flatter one looks."""
    height, width = dry.shape[:2]
    wetness = _small(scenery.wetness)[..., None]
    contact = cv2.resize(scenery.contact[None], (width, 1))[0] / SUPERSAMPLING
    rows = np.arange(height, dtype=np.float32)[:, None]
    mirrored = np.maximum(2 * contact[None, :] - rows, 0).astype(np.float32)
    columns = np.broadcast_to(np.arange(width, dtype=np.float32), (height, width)).copy()
    mirror = cv2.remap(dry, columns, mirrored, cv2.INTER_LINEAR)
    mirror = cv2.GaussianBlur(mirror, (0, 0), sigmaX=1.6, sigmaY=7.0)
    slope = np.clip(-_small(scenery.rays)[..., 2:], 0, 1)
    shine = wetness * np.clip(0.62 - 0.75 * slope, 0.16, 0.6)
    return dry * (1 - wetness * 0.34) * (1 - shine) + mirror * shine
