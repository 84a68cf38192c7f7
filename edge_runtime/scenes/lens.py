"""What lies between the street and the file: glare of lights, rain, and the noise of the camera's sensor."""

import math

import cv2
import numpy as np

from edge_runtime.scenes.chance import chance
from edge_runtime.scenes.conditions import Conditions
from edge_runtime.scenes.figures import Glow

_STEP = 4
_SLACK = 96


class Lens:
    """Textures for one picture size; every frame uses another cut-out of them."""

    def __init__(self, width: int, height: int) -> None:
        self._size = (width, height)
        rng = np.random.default_rng(17)
        shape = (height + _SLACK, width + _SLACK)
        noise = np.clip(rng.normal(128, 22, (*shape, 3)), 0, 255).astype(np.uint8)
        self._noise = cv2.addWeighted(noise, 0.6, cv2.blur(noise, (2, 2)), 0.4, 0)
        self._rain = [_streaks(shape, length, count, rng, height / 270) for length, count in ((11, 420), (19, 170))]

    def add_glare(self, image: np.ndarray, ids: np.ndarray, glows: list[Glow], *, level: float, is_wet: bool) -> None:
        """Halos around the lights that nothing hides, with streaks on a wet road. In place."""
        height, width = image.shape[:2]
        light = np.zeros((math.ceil(height / _STEP), math.ceil(width / _STEP), 3), np.uint8)
        for glow in glows:
            x, y = int(glow.at[0]), int(glow.at[1])
            if not (0 <= x < width and 0 <= y < height) or (glow.owner is not None and ids[y, x] != glow.owner):
                continue
            at = (round(x / _STEP * 16), round(y / _STEP * 16))
            cv2.circle(light, at, max(8, round(glow.reach * 1.25 / _STEP * 16)), glow.colour, -1, cv2.LINE_AA, 4)
            if is_wet:
                foot = (at[0], at[1] + round(glow.reach * 9 / _STEP * 16))
                faint = tuple(c * 0.45 for c in glow.colour)
                cv2.line(light, at, foot, faint, max(1, round(glow.reach * 0.9 / _STEP)), cv2.LINE_AA, 4)
            core = (round(x * 16), round(y * 16))
            white = tuple(min(255, c * 0.4 + 150) for c in glow.colour)
            cv2.circle(image, core, max(10, round(glow.reach * 0.36 * 16)), white, -1, cv2.LINE_AA, 4)
        wide = cv2.GaussianBlur(light, (0, 0), 2.4)
        halo = cv2.addWeighted(cv2.GaussianBlur(light, (3, 3), 0), 0.55 * level, wide, 0.95 * level, 0)
        cv2.add(image, cv2.resize(halo, (width, height), interpolation=cv2.INTER_LINEAR), dst=image)

    def finish(self, image: np.ndarray, conditions: Conditions, seed: int, index: int) -> None:
        """Rain and sensor noise, in place; stronger noise in the dark."""
        if conditions.rain > 0:
            bright = (0.40, 0.32, 0.22)[round(conditions.light)]
            for layer, texture in enumerate(self._rain):
                cut = self._cut(texture, seed, index, layer)
                cv2.addWeighted(image, 1.0, cut, bright * conditions.rain, 0, dst=image)
        amount = (0.11, 0.15, 0.21)[round(conditions.light)]
        cv2.addWeighted(image, 1.0, self._cut(self._noise, seed, index, 9), amount, -128 * amount, dst=image)

    def _cut(self, texture: np.ndarray, *keys: int) -> np.ndarray:
        x, y = int(chance(*keys, 1) * _SLACK), int(chance(*keys, 2) * _SLACK)
        width, height = self._size
        return texture[y : y + height, x : x + width]


def _streaks(shape: tuple[int, int], length: int, count: int, rng: np.random.Generator, scale: float) -> np.ndarray:
    """(rows, columns, 3) uint8: falling drops, drawn out by the exposure."""
    layer = np.zeros(shape, np.uint8)
    for _ in range(count):
        x, y = rng.uniform(0, shape[1]), rng.uniform(0, shape[0])
        reach = length * rng.uniform(0.6, 1.3) * scale
        end = (int((x + reach * 0.16) * 16), int((y + reach) * 16))
        level = float(rng.uniform(70, 200))
        cv2.line(layer, (int(x * 16), int(y * 16)), end, level, max(1, round(scale * 0.8)), cv2.LINE_AA, 4)
    return cv2.merge([layer, layer, layer])
