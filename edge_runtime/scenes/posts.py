"""Trees, lamps, signals, pylons and rails, drawn into the layers of a place."""

from dataclasses import dataclass

import cv2
import numpy as np

from edge_runtime.scenes.layouts import Post, Rail
from edge_runtime.scenes.pinhole import NEAR_M, Pinhole

_LAMP_HEAD = (255.0, 226.0, 170.0)
_LEAVES = ((74, 112, 50), (88, 122, 58), (66, 104, 62), (104, 124, 56))


@dataclass(frozen=True)
class Brush:
    """Layers to draw into, all of the pinhole's size; see Scenery."""

    pinhole: Pinhole
    colour: np.ndarray
    glow: np.ndarray
    sunlit: np.ndarray
    depth: np.ndarray

    def paint(self, mask: np.ndarray, depth: float, sunlit: float) -> None:
        """Marks what was drawn: it stands at `depth`, and hides what shone there."""
        drawn = mask > 0
        self.depth[drawn] = depth
        self.sunlit[drawn] = sunlit
        self.glow[drawn] = 0.0


def lamp_head(post: Post) -> np.ndarray:
    return np.array([post.x + post.towards[0] * 1.7, post.y + post.towards[1] * 1.7, post.height])


def draw_post(brush: Brush, post: Post, sun: tuple[float, float, float]) -> np.ndarray:
    """Draws it and returns where: (rows, columns) uint8, 255 inside."""
    mask = np.zeros(brush.depth.shape, np.uint8)
    foot, depth = brush.pinhole.project(np.array([(post.x, post.y, 0.0), (post.x, post.y, post.height)]))
    scale = brush.pinhole.focal / depth[0]
    if post.kind in ("tree", "hedge"):
        _leaves(brush, mask, post, foot, scale, sun)
        return mask
    if post.kind == "lamp":
        _lamp(brush, mask, post, scale)
    elif post.kind == "signal":
        _bar(brush, mask, foot[0], foot[1], 0.14 * scale, (74, 76, 80))
        _box(brush, mask, foot[1], 0.36 * scale, 1.0 * scale, (34, 36, 38))
    elif post.kind == "pylon":
        _bar(brush, mask, foot[0], foot[1], 1.5 * scale, (196, 192, 184))
        _cables(brush, post)
    else:
        _bar(brush, mask, foot[0], foot[1], 0.2 * scale, (66, 70, 76))
    brush.paint(mask, float(depth[0]), 0.55)
    if post.kind == "lamp":
        head = brush.pinhole.project(lamp_head(post)[None])[0][0]
        cv2.circle(brush.glow, _point(head), max(1, int(0.26 * scale)), _LAMP_HEAD, -1, cv2.LINE_AA)
    return mask


def _point(pixel: np.ndarray) -> tuple[int, int]:
    return round(float(pixel[0])), round(float(pixel[1]))


def _bar(brush: Brush, mask: np.ndarray, start: np.ndarray, end: np.ndarray, width: float, colour: tuple) -> None:
    """An upright: dark edge on the right, as if lit from the left."""
    half = max(0.8, width / 2)
    left, right = np.array([-half, 0]), np.array([half, 0])
    corners = np.array([start + left, start + right, end + right, end + left]).round().astype(np.int32)
    cv2.fillConvexPoly(brush.colour, corners, colour, cv2.LINE_AA)
    cv2.fillConvexPoly(mask, corners, 255)
    shade = np.array([start + right * 0.1, start + right, end + right, end + right * 0.1]).round().astype(np.int32)
    cv2.fillConvexPoly(brush.colour, shade, tuple(0.68 * c for c in colour), cv2.LINE_AA)


def _box(brush: Brush, mask: np.ndarray, top: np.ndarray, width: float, height: float, colour: tuple) -> None:
    first = (int(top[0] - width / 2), int(top[1] - height * 0.1))
    last = (int(top[0] + width / 2), int(top[1] + height * 0.9))
    for layer, value in ((brush.colour, colour), (mask, 255)):
        cv2.rectangle(layer, first, last, value, -1)


def _lamp(brush: Brush, mask: np.ndarray, post: Post, scale: float) -> None:
    head = lamp_head(post)
    bend = np.array([post.x, post.y, post.height - 0.5])
    foot = np.array([post.x, post.y, 0.0])
    pixels, _ = brush.pinhole.project(np.stack([foot, bend, head]))
    _bar(brush, mask, pixels[0], pixels[1], 0.17 * scale, (92, 98, 104))
    for layer, value in ((brush.colour, (92, 98, 104)), (mask, 255)):
        cv2.line(layer, _point(pixels[1]), _point(pixels[2]), value, max(1, int(0.1 * scale)))
        cv2.ellipse(
            layer, _point(pixels[2]), (max(2, int(0.42 * scale)), max(1, int(0.16 * scale))), 0, 0, 360, value, -1
        )


def _cables(brush: Brush, post: Post) -> None:
    for i in range(1, 9):
        for side in (-1, 1):
            ends = np.array([(post.x, post.y, post.height - 0.9 * (8 - i) / 2), (post.x, post.y + side * i * 5.4, 1.0)])
            pixels, depth = brush.pinhole.project(ends)
            if depth.min() > NEAR_M:
                cv2.line(brush.colour, _point(pixels[0]), _point(pixels[1]), (176, 176, 174), 1, cv2.LINE_AA)


def _leaves(
    brush: Brush, mask: np.ndarray, post: Post, foot: np.ndarray, scale: float, sun: tuple[float, float, float]
) -> None:
    """A trunk under some three hundred tufts, brighter towards the sun and the top."""
    rng = np.random.default_rng(post.seed + 40)
    is_tree = post.kind == "tree"
    centre = foot[0] + (foot[1] - foot[0]) * (0.66 if is_tree else 0.5)
    radii = np.array([0.36, 0.36]) * post.height * scale if is_tree else np.array([2.2, 0.5 * post.height]) * scale
    if is_tree:
        _bar(brush, mask, foot[0], centre, 0.3 * scale, (96, 78, 62))
        brush.paint(mask, brush.pinhole.focal / scale, 0.4)
    base = np.array(_LEAVES[post.seed % len(_LEAVES)], np.float32)
    sunward = np.array([sun[0], -sun[2]]) / np.hypot(sun[0], sun[2])
    crown = np.zeros_like(mask)
    for step in range(320):
        angle, reach = rng.uniform(0, 2 * np.pi), np.sqrt(rng.uniform(0, 1))
        offset = np.array([np.cos(angle), np.sin(angle) * (0.95 if is_tree else 1.0)]) * reach
        lightness = 0.72 + 0.30 * float(offset @ sunward) + 0.22 * step / 320 + rng.normal(0, 0.08)
        size = max(1, int(rng.uniform(0.10, 0.2) * radii[1] * (1.3 - 0.7 * step / 320)))
        spot = _point(centre + offset * radii)
        cv2.circle(brush.colour, spot, size, tuple(float(c) for c in base * lightness), -1, cv2.LINE_AA)
        cv2.circle(crown, spot, size, 255, -1)
    brush.paint(crown, brush.pinhole.focal / scale, 0.62)
    mask |= crown


def draw_rail(brush: Brush, rail: Rail) -> None:
    start, end = np.array([rail.x0, rail.y0]), np.array([rail.x1, rail.y1])
    steps = np.linspace(0, 1, int(np.hypot(*(end - start)) / 1.6) + 1)
    feet = start + (end - start) * steps[:, None]
    for height, width in ((rail.height, 0.12), (rail.height * 0.55, 0.06), (0.15, 0.3)):
        pixels, depth = brush.pinhole.project(np.column_stack([feet, np.full(len(feet), height)]))
        for i in np.nonzero(depth[:-1] > 2)[0]:
            thickness = max(1, int(width * brush.pinhole.focal / depth[i]))
            cv2.line(brush.colour, _point(pixels[i]), _point(pixels[i + 1]), (152, 158, 160), thickness, cv2.LINE_AA)
    low, depth = brush.pinhole.project(np.column_stack([feet, np.zeros(len(feet))]))
    high, _ = brush.pinhole.project(np.column_stack([feet, np.full(len(feet), rail.height)]))
    for i in np.nonzero(depth > 2)[0]:
        thickness = max(1, int(0.07 * brush.pinhole.focal / depth[i]))
        cv2.line(brush.colour, _point(low[i]), _point(high[i]), (128, 134, 138), thickness, cv2.LINE_AA)
