"""How bright and in which colour things are, by light and weather. Colours are RGB factors or RGB 0..255."""

from dataclasses import dataclass

import numpy as np

from edge_runtime.scenes.conditions import Conditions


@dataclass(frozen=True)
class Illumination:
    """`ambient`, `sun`, `lamp`: RGB factors on a surface's own colour; `glow`: how much lit windows and lamps shine.

    `fog_colour`: RGB 0..255; `fog_per_m`: share of the view lost per metre.
    """

    ambient: np.ndarray
    sun: np.ndarray
    lamp: np.ndarray
    glow: float
    fog_colour: np.ndarray
    fog_per_m: float


# Day, dusk, night; clear sky, then overcast.
AMBIENT = (
    ((0.52, 0.55, 0.62), (0.46, 0.41, 0.46), (0.125, 0.14, 0.20)),
    ((0.72, 0.735, 0.76), (0.37, 0.38, 0.45), (0.125, 0.14, 0.20)),
)
SUN = (
    ((0.66, 0.61, 0.52), (0.30, 0.17, 0.08), (0.0, 0.0, 0.0)),
    ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
)
LAMP = ((0.0, 0.0, 0.0), (0.52, 0.40, 0.25), (1.0, 0.77, 0.48))
GLOW = (0.0, 0.6, 1.0)
_FOG_COLOUR = ((206, 211, 215), (150, 140, 144), (52, 54, 64))
SKY_TOP = (((96, 150, 214), (58, 70, 122), (9, 13, 30)), ((158, 166, 176), (92, 94, 108), (20, 22, 32)))
SKY_LOW = (((206, 224, 238), (240, 166, 110), (44, 46, 66)), ((206, 211, 216), (150, 138, 138), (50, 50, 62)))


def between(levels: tuple, light: float) -> np.ndarray:
    """The value at `light` (0 day .. 2 night) of three levels."""
    low = min(1, int(light))
    share = light - low
    return np.asarray(levels[low], np.float32) * (1 - share) + np.asarray(levels[low + 1], np.float32) * share


def illumination(conditions: Conditions) -> Illumination:
    overcast = max(conditions.rain, conditions.fog)
    light = conditions.light
    return Illumination(
        ambient=between(AMBIENT[0], light) * (1 - overcast) + between(AMBIENT[1], light) * overcast,
        sun=between(SUN[0], light) * (1 - overcast),
        lamp=between(LAMP, light),
        glow=float(between(GLOW, light)),
        fog_colour=between(_FOG_COLOUR, light),
        fog_per_m=0.034 * conditions.fog + 0.0065 * conditions.rain + 0.0006,
    )
