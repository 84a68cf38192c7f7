"""The ground seen from above: asphalt, paving, grass and paint, as textures that the scenery lays into perspective.

Ground textures are (rows, columns, 3) float32 RGB 0..255; row 0 is the farthest y, column 0 the least x.
"""

import cv2
import numpy as np

from edge_runtime.scenes.layouts import Layout, Marking, Patch, Zebra

PIXELS_PER_M = 22

COLOURS = {
    "asphalt": (92, 93, 96),
    "paving": (165, 158, 148),
    "grass": (96, 128, 66),
    "water": (74, 104, 120),
    "bikeway": (150, 84, 72),
    "deck": (150, 149, 146),
}
_PAINT = {"white": (226, 226, 220), "yellow": (222, 180, 70)}
_WET = frozenset({"asphalt", "bikeway", "paving", "deck"})


def noise(shape: tuple[int, int], grain: float, rng: np.random.Generator) -> np.ndarray:
    """Smooth noise of standard deviation 1 whose blobs are about `grain` pixels wide; (rows, columns) float32."""
    rows, columns = max(4, int(shape[0] / grain)), max(4, int(shape[1] / grain))
    coarse = rng.standard_normal((rows, columns)).astype(np.float32)
    return cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)


def paint_ground(layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """(texture, wetness): `wetness` (rows, columns) float32 says how much a place shines in the rain, 0..1."""
    x0, y0, x1, y1 = layout.ground
    shape = (int((y1 - y0) * PIXELS_PER_M), int((x1 - x0) * PIXELS_PER_M))
    rng = np.random.default_rng(11)
    texture = np.empty((*shape, 3), np.float32)
    texture[:] = COLOURS[layout.far_ground]
    wetness = np.zeros(shape, np.float32)
    for patch in layout.patches:
        _lay(texture, wetness, layout, patch, rng)
    for lane in layout.lanes:
        if lane.follows_traffic:
            _wear(texture, layout, lane.x0, lane.y0, lane.x1, lane.y1)
    paint = np.zeros(shape, np.float32)
    for marking in layout.markings:
        _mark(texture, paint, layout, marking)
    if layout.zebra is not None:
        _stripe(texture, paint, layout, layout.zebra)
    worn = 0.80 + 0.10 * noise(shape, 9, rng)
    mixed = np.clip(paint * worn, 0, 0.95)[..., None]
    painted = texture.copy()
    painted[:] = _PAINT["white"]
    yellow = paint > 1.5
    painted[yellow] = _PAINT["yellow"]
    mixed = np.minimum(mixed, 0.9)
    return texture * (1 - mixed) + painted * mixed, wetness


def _span(layout: Layout, x0: float, y0: float, x1: float, y1: float) -> tuple[slice, slice]:
    gx0, _, _, gy1 = layout.ground
    columns = sorted(round((x - gx0) * PIXELS_PER_M) for x in (x0, x1))
    rows = sorted(round((gy1 - y) * PIXELS_PER_M) for y in (y0, y1))
    return slice(max(0, rows[0]), max(0, rows[1])), slice(max(0, columns[0]), max(0, columns[1]))


def _lay(texture: np.ndarray, wetness: np.ndarray, layout: Layout, patch: Patch, rng: np.random.Generator) -> None:
    rows, columns = _span(layout, patch.x0, patch.y0, patch.x1, patch.y1)
    shape = texture[rows, columns].shape[:2]
    if patch.surface in ("asphalt", "bikeway"):
        kerb = _span(layout, patch.x0 - 0.18, patch.y0 - 0.18, patch.x1 + 0.18, patch.y1 + 0.18)
        texture[kerb] = (188, 184, 176)
        gutter = _span(layout, patch.x0 - 0.03, patch.y0 - 0.03, patch.x1 + 0.03, patch.y1 + 0.03)
        texture[gutter] = (70, 69, 68)
    base = np.empty((*shape, 3), np.float32)
    base[:] = COLOURS[patch.surface]
    grain = {"grass": 9.0, "asphalt": 4.5}.get(patch.surface, 4.0)
    base += (noise(shape, 2.0, rng) * grain + noise(shape, 60, rng) * 4.5 + noise(shape, 14, rng) * 2.0)[..., None]
    if patch.surface == "paving":
        _slabs(base, rng)
    if patch.surface == "asphalt":
        _repairs(base, rng)
    texture[rows, columns] = base
    wetness[rows, columns] = (1.0 if patch.surface in ("asphalt", "bikeway") else 0.55) * (patch.surface in _WET)


def _slabs(base: np.ndarray, rng: np.random.Generator) -> None:
    """Paving stones of 60 by 40 cm in running bond, each of its own tone."""
    height, width = int(0.6 * PIXELS_PER_M), int(0.9 * PIXELS_PER_M)
    rows, columns = base.shape[0] // height + 1, base.shape[1] // width + 2
    tones = rng.normal(0, 5.5, (rows, columns)).astype(np.float32)
    for row in range(rows):
        top, shift = row * height, (row % 2) * width // 2
        tone = np.repeat(tones[row], width)[shift : shift + base.shape[1]]
        base[top : top + height] += tone[None, :, None]
        base[top : top + 1] -= 26
        base[top : top + height, (width - shift) % width :: width] -= 22


def _repairs(base: np.ndarray, rng: np.random.Generator) -> None:
    """Darker patches, cracks and manhole covers."""
    rows, columns = base.shape[:2]
    for _ in range(max(3, rows * columns // 260_000)):
        y, x = int(rng.integers(rows)), int(rng.integers(columns))
        height, width = int(rng.integers(20, 90)), int(rng.integers(20, 120))
        base[y : y + height, x : x + width] -= rng.uniform(6, 13)
    for _ in range(max(4, rows * columns // 160_000)):
        start = np.array([rng.integers(columns), rng.integers(rows)])
        path = start + np.cumsum(rng.normal(0, 9, (14, 2)) + rng.normal(0, 5, 2), axis=0)
        cv2.polylines(base, [path.astype(np.int32)], False, (64, 64, 66), 1, cv2.LINE_AA)
    for _ in range(max(2, rows * columns // 500_000)):
        centre = (int(rng.integers(columns)), int(rng.integers(rows)))
        cv2.circle(base, centre, int(0.34 * PIXELS_PER_M), (62, 60, 58), -1, cv2.LINE_AA)
        cv2.circle(base, centre, int(0.34 * PIXELS_PER_M), (108, 106, 104), 1, cv2.LINE_AA)


def _wear(texture: np.ndarray, layout: Layout, x0: float, y0: float, x1: float, y1: float) -> None:
    """Two dark tyre tracks and an oil stain between them along a lane."""
    for offset, width, depth in ((-0.8, 0.5, 0.93), (0.8, 0.5, 0.93), (0.0, 0.35, 0.95)):
        if x0 == x1:
            rows, columns = _span(layout, x0 + offset - width / 2, y0, x0 + offset + width / 2, y1)
        else:
            rows, columns = _span(layout, x0, y0 + offset - width / 2, x1, y0 + offset + width / 2)
        texture[rows, columns] *= depth


def _mark(texture: np.ndarray, paint: np.ndarray, layout: Layout, marking: Marking) -> None:
    half = marking.width / 2
    along_x = abs(marking.x1 - marking.x0) > abs(marking.y1 - marking.y0)
    length = abs(marking.x1 - marking.x0) if along_x else abs(marking.y1 - marking.y0)
    dash = marking.dash_m or length
    value = 2.0 if marking.colour == "yellow" else 1.0
    for start in np.arange(0, length, dash * 2):
        end = min(start + dash, length)
        if along_x:
            left = min(marking.x0, marking.x1)
            area = _span(layout, left + start, marking.y0 - half, left + end, marking.y0 + half)
        else:
            low = min(marking.y0, marking.y1)
            area = _span(layout, marking.x0 - half, low + start, marking.x0 + half, low + end)
        paint[area] = value


def _stripe(texture: np.ndarray, paint: np.ndarray, layout: Layout, zebra: Zebra) -> None:
    """White bars along the direction of driving, half a metre wide with equal gaps."""
    if zebra.axis == "y":
        for low in np.arange(zebra.y0 + 0.35, zebra.y1 - 0.5, 1.05):
            paint[_span(layout, zebra.x0, low, zebra.x1, low + 0.52)] = 1.12
    else:
        for left in np.arange(zebra.x0 + 0.35, zebra.x1 - 0.5, 1.05):
            paint[_span(layout, left, zebra.y0, left + 0.52, zebra.y1)] = 1.12
