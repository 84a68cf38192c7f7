"""Building fronts as flat pictures: walls, windows, doors, shops; and what of them shines at night.

Pictures are (rows, columns, 3) float32 RGB 0..255, row 0 at the top. Nothing here knows about perspective.
"""

import cv2
import numpy as np

from edge_runtime.scenes.ground import noise
from edge_runtime.scenes.layouts import Facade

PIXELS_PER_M = 18

_WALLS = {
    "brick": ((150, 84, 66), (128, 72, 60), (168, 104, 80)),
    "plaster": ((222, 208, 180), (214, 190, 150), (190, 204, 206), (226, 220, 208)),
    "stone": ((186, 176, 158), (168, 160, 146)),
    "office": ((128, 138, 148), (106, 116, 128)),
    "tower": ((126, 136, 148), (150, 146, 140), (110, 122, 138), (164, 158, 150)),
    "wall": ((140, 136, 130),),
}
_SIGNS = ((176, 48, 44), (36, 92, 140), (44, 116, 82), (206, 150, 44), (70, 62, 100), (180, 92, 50))
_LIT = ((255, 206, 128), (255, 222, 162), (236, 226, 200), (250, 190, 104))


def draw_facade(facade: Facade) -> tuple[np.ndarray, np.ndarray]:
    """(colours by daylight, light given off at night), both of the size of the front."""
    rng = np.random.default_rng(facade.seed)
    width_m = float(np.hypot(facade.x1 - facade.x0, facade.y1 - facade.y0))
    scale = PIXELS_PER_M if facade.style not in ("tower", "wall") else 7
    shape = (int(facade.height * scale), int(width_m * scale))
    wall = np.empty((*shape, 3), np.float32)
    walls = _WALLS[facade.style]
    wall[:] = walls[int(rng.integers(len(walls)))]
    wall += (noise(shape, 3, rng) * 3.5 + noise(shape, 40, rng) * 3.5)[..., None]
    light = np.zeros_like(wall)
    if facade.style == "wall":
        return np.clip(wall, 0, 255), light
    if facade.style == "tower":
        _tower_windows(wall, light, rng)
        return np.clip(wall, 0, 255), light
    if facade.style == "brick":
        wall[::5] *= 0.93
    floor_m = 3.1
    ground_m = 3.8 if facade.shop else 3.2
    floors = max(1, int((facade.height - ground_m - 0.4) / floor_m))
    _floors(wall, light, facade, floors, floor_m, ground_m, rng)
    (_shop if facade.shop else _doors)(wall, light, int(ground_m * scale), rng)
    wall[: int(0.35 * scale)] *= 0.82
    wall[int(0.35 * scale) : int(0.45 * scale)] *= 0.62
    wall[:, :2] *= 0.8
    wall[-int(0.4 * scale) :] *= 0.8
    return np.clip(wall, 0, 255), light


def _floors(
    wall: np.ndarray,
    light: np.ndarray,
    facade: Facade,
    floors: int,
    floor_m: float,
    ground_m: float,
    rng: np.random.Generator,
) -> None:
    scale = PIXELS_PER_M
    rows, columns = wall.shape[:2]
    office = facade.style == "office"
    pitch_m = 1.9 if office else float(rng.uniform(2.2, 2.9))
    count = max(1, int(columns / scale / pitch_m))
    step = columns / count
    frame = (60, 66, 74) if office else ((238, 236, 230), (92, 70, 54), (232, 228, 214))[int(rng.integers(3))]
    width = int(step * 0.82) if office else int(1.15 * scale)
    height = int((2.0 if office else 1.65) * scale)
    for floor in range(floors):
        bottom = rows - int((ground_m + floor * floor_m + 0.75) * scale)
        for column in range(count):
            x = int((column + 0.5) * step - width / 2)
            _window(wall, light, x, bottom - height, width, height, frame, 0.45 if office else 0.4, rng)
    if not office:
        for floor in range(1, floors):
            y = rows - int((ground_m + floor * floor_m) * scale)
            wall[y : y + 3] *= 0.88


def _window(
    wall: np.ndarray,
    light: np.ndarray,
    x: int,
    y: int,
    width: int,
    height: int,
    frame: tuple[int, int, int],
    lit_share: float,
    rng: np.random.Generator,
) -> None:
    """Glass that mirrors the sky, with frame, sill, sometimes curtains; lit at night with `lit_share`."""
    if y < 6:
        return
    cv2.rectangle(wall, (x - 2, y - 2), (x + width + 1, y + height + 1), frame, -1)
    shade = np.linspace(1.15, 0.62, height, dtype=np.float32)[:, None, None]
    tint = np.array([104, 122, 140], np.float32) * rng.uniform(0.55, 1.1)
    wall[y : y + height, x : x + width] = tint * shade
    if rng.random() < 0.45:
        cover = int(width * rng.uniform(0.15, 0.35))
        for left in (x, x + width - cover):
            wall[y : y + height, left : left + cover] = wall[y : y + height, left : left + cover] * 0.3 + 140
    cv2.line(wall, (x + width // 2, y), (x + width // 2, y + height), frame, 2)
    cv2.line(wall, (x, y + height * 2 // 5), (x + width, y + height * 2 // 5), frame, 1)
    cv2.rectangle(wall, (x - 4, y + height + 2), (x + width + 3, y + height + 4), (196, 192, 184), -1)
    wall[y + height + 5 : y + height + 8, x - 4 : x + width + 3] *= 0.72
    if rng.random() < lit_share:
        glow = np.array(_LIT[int(rng.integers(len(_LIT)))], np.float32) * rng.uniform(0.5, 1.0)
        light[y : y + height, x : x + width] = glow * np.linspace(1.0, 0.7, height, dtype=np.float32)[:, None, None]
        light[y : y + height, x + width // 2 - 1 : x + width // 2 + 1] *= 0.3


def _shop(wall: np.ndarray, light: np.ndarray, ground: int, rng: np.random.Generator) -> None:
    """A sign band, show windows with goods behind them, a door, often an awning."""
    rows, columns = wall.shape[:2]
    top, scale = rows - ground, PIXELS_PER_M
    sign = np.array(_SIGNS[int(rng.integers(len(_SIGNS)))], np.float32)
    wall[top:] = sign * 0.55 + 30
    band = slice(top + 4, top + int(0.75 * scale))
    wall[band] = sign
    middle = (band.start + band.stop) // 2
    x = int(columns * rng.uniform(0.1, 0.3))
    for _ in range(int(rng.integers(5, 10))):
        letter = int(rng.integers(4, 9))
        cv2.rectangle(wall, (x, middle - 3), (x + letter, middle + 3), (244, 238, 224), -1)
        x += letter + 4
    light[band] = sign * 0.55
    panes = max(2, columns // int(2.6 * scale))
    door = int(rng.integers(panes))
    low, high = rows - int(0.55 * scale), top + int(0.95 * scale)
    for pane in range(panes):
        left, right = int(pane * columns / panes) + 5, int((pane + 1) * columns / panes) - 5
        bottom = rows - 3 if pane == door else low
        wall[high:bottom, left:right] = (74, 84, 92)
        for _ in range(9):
            size = int(rng.integers(4, 13))
            gx, gy = int(rng.integers(left, max(left + 1, right - size))), bottom - int(rng.integers(size, 26))
            cv2.rectangle(wall, (gx, gy), (gx + size, bottom - 2), tuple(rng.uniform(60, 210, 3)), -1)
        light[high:bottom, left:right] = np.array((255, 224, 168), np.float32) * rng.uniform(0.55, 0.85)
        if pane == door:
            cv2.rectangle(wall, (left, high), (right, bottom), (46, 42, 40), 3)
    if rng.random() < 0.6:
        drop = int(0.5 * scale)
        awning = wall[high - 4 : high - 4 + drop]
        awning[:] = sign
        stripes = (np.arange(columns) // 9) % 2 == 0
        awning[:, stripes] = (236, 232, 222)
        awning *= np.linspace(1.05, 0.82, drop, dtype=np.float32)[:, None, None]
        light[high - 4 : high - 4 + drop] *= 0.15


def _doors(wall: np.ndarray, light: np.ndarray, ground: int, rng: np.random.Generator) -> None:
    """A plinth with a front door between two windows."""
    rows, columns = wall.shape[:2]
    scale = PIXELS_PER_M
    wall[rows - int(0.9 * scale) :] *= 0.78
    centre = int(columns * rng.uniform(0.35, 0.65))
    width, height = int(1.15 * scale), int(2.4 * scale)
    cv2.rectangle(
        wall, (centre - width // 2 - 5, rows - height - 5), (centre + width // 2 + 5, rows), (226, 220, 208), -1
    )
    colour = ((70, 44, 34), (38, 66, 58), (46, 54, 86), (110, 36, 34))[int(rng.integers(4))]
    cv2.rectangle(wall, (centre - width // 2, rows - height), (centre + width // 2, rows), colour, -1)
    light[rows - height + 4 : rows - height + 12, centre - 8 : centre + 8] = (255, 214, 150)
    for x in (centre - int(2.9 * scale), centre + int(1.7 * scale)):
        if x > 4 and x + int(1.2 * scale) < columns - 4:
            _window(wall, light, x, rows - ground + 14, int(1.2 * scale), int(1.5 * scale), (236, 232, 226), 0.5, rng)


def _tower_windows(wall: np.ndarray, light: np.ndarray, rng: np.random.Generator) -> None:
    """Far buildings: a grid of panes a few pixels wide."""
    rows, columns = wall.shape[:2]
    for y in range(8, rows - 10, 22):
        for x in range(6, columns - 12, 16):
            wall[y : y + 12, x : x + 10] = np.array((84, 102, 122)) * rng.uniform(0.6, 1.25)
            if rng.random() < 0.4:
                light[y : y + 12, x : x + 10] = np.array(_LIT[int(rng.integers(4))]) * rng.uniform(0.4, 1.0)


def draw_roof(facade: Facade) -> np.ndarray:
    """Tiles, as a picture with the ridge at the top."""
    rng = np.random.default_rng(facade.seed + 5)
    width_m = float(np.hypot(facade.x1 - facade.x0, facade.y1 - facade.y0))
    shape = (int(3.4 * PIXELS_PER_M), int(width_m * PIXELS_PER_M))
    tiles = np.empty((*shape, 3), np.float32)
    tiles[:] = ((138, 74, 58), (92, 88, 90), (120, 84, 66))[facade.seed % 3]
    tiles += (noise(shape, 3, rng) * 8 + noise(shape, 30, rng) * 5)[..., None]
    tiles[::6] *= 0.8
    tiles[-4:] *= 0.7
    return np.clip(tiles, 0, 255)
