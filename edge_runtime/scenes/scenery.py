"""Everything of a place that never moves, painted once per camera: colours, depth, what shines, what hides.

`Scenery` holds layers at twice the picture's size; edge_runtime.scenes.backdrop lights them.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from edge_runtime.scenes.facades import draw_facade, draw_roof
from edge_runtime.scenes.ground import COLOURS, PIXELS_PER_M, paint_ground
from edge_runtime.scenes.layouts import Facade, Layout
from edge_runtime.scenes.pinhole import NEAR_M, Pinhole
from edge_runtime.scenes.posts import Brush, draw_post, draw_rail

SUPERSAMPLING = 2
SKY_M = 900.0


@dataclass(frozen=True)
class Occluder:
    """Something fixed that hides what is behind it. `mask`: uint8, 255 where it is, for rows y0.. and columns x0.."""

    depth: float
    x0: int
    y0: int
    mask: np.ndarray


@dataclass
class Scenery:
    """Layers of (2 H, 2 W[, 3]) float32, except `contact`, (2 W,), the row where ground meets what stands on it."""

    pinhole: Pinhole
    colour: np.ndarray
    glow: np.ndarray
    sunlit: np.ndarray
    depth: np.ndarray
    wetness: np.ndarray
    is_water: np.ndarray
    rays: np.ndarray
    contact: np.ndarray
    occluders: tuple[Occluder, ...] = ()


def paint_scenery(layout: Layout, pinhole: Pinhole) -> Scenery:
    big = pinhole.scaled(SUPERSAMPLING)
    rays = big.rays().astype(np.float32)
    scenery = _lay_ground(layout, big, rays)
    for facade in sorted(layout.facades, key=lambda facade: -_distance(facade, big)):
        _put_facade(scenery, facade, layout)
    standing = scenery.depth < SKY_M
    ground = np.abs(_heights(scenery)) < 0.02
    above = ~(ground & standing)
    scenery.contact = np.where(above.any(0), above.shape[0] - np.argmax(above[::-1], axis=0), 0).astype(np.float32)
    scenery.occluders = _put_posts(scenery, layout)
    return scenery


def _heights(scenery: Scenery) -> np.ndarray:
    return scenery.pinhole.position[2] + scenery.rays[..., 2] * scenery.depth


def _distance(facade: Facade, pinhole: Pinhole) -> float:
    middle = np.array([(facade.x0 + facade.x1) / 2, (facade.y0 + facade.y1) / 2])
    return float(np.hypot(*(middle - pinhole.position[:2])))


def _lay_ground(layout: Layout, pinhole: Pinhole, rays: np.ndarray) -> Scenery:
    texture, wetness = paint_ground(layout)
    shade = _ground_shadows(layout, wetness.shape)
    x0, _, _, y1 = layout.ground
    to_metres = np.array([[1 / PIXELS_PER_M, 0, x0], [0, -1 / PIXELS_PER_M, y1], [0, 0, 1]])
    homography = pinhole.ground_homography() @ to_metres
    size = (pinhole.width, pinhole.height)
    is_ground = rays[..., 2] < -1e-3
    depth = np.where(is_ground, pinhole.position[2] / np.maximum(-rays[..., 2], 1e-3), SKY_M).astype(np.float32)
    depth = np.minimum(depth, SKY_M)
    is_ground &= depth < SKY_M
    inside = (cv2.warpPerspective(np.ones_like(wetness), homography, size) > 0.5) & is_ground
    colour = np.zeros((*depth.shape, 3), np.float32)
    colour[is_ground] = COLOURS[layout.far_ground]
    near = cv2.warpPerspective(texture, homography, size)
    for step, from_m in ((1, 0.0), (3, 20.0), (7, 42.0)):
        if step > 1:
            small = cv2.resize(texture, None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_AREA)
            grow = np.diag([texture.shape[1] / small.shape[1], texture.shape[0] / small.shape[0], 1.0])
            far = cv2.warpPerspective(small, homography @ grow, size)
            share = np.clip((depth - from_m) / 12.0, 0, 1)[..., None]
            near = near * (1 - share) + far * share
    colour[inside] = near[inside]
    wet = cv2.warpPerspective(wetness, homography, size) * inside
    sunlit = np.where(inside, cv2.warpPerspective(shade, homography, size), 1.0).astype(np.float32)
    is_water = is_ground & ~inside & (layout.far_ground == "water")
    _ripple(colour, is_water, rays, depth, pinhole)
    return Scenery(
        pinhole=pinhole,
        colour=colour,
        glow=np.zeros_like(colour),
        sunlit=sunlit * layout.sun[2],
        depth=depth,
        wetness=wet.astype(np.float32),
        is_water=is_water,
        rays=rays,
        contact=np.zeros(pinhole.width, np.float32),
    )


def _ripple(colour: np.ndarray, is_water: np.ndarray, rays: np.ndarray, depth: np.ndarray, pinhole: Pinhole) -> None:
    """Waves that fade with distance."""
    x = (pinhole.position[0] + rays[..., 0] * depth)[is_water]
    y = (pinhole.position[1] + rays[..., 1] * depth)[is_water]
    wave = np.sin(0.55 * x + 0.9 * y + 2.2 * np.sin(0.11 * x)) * np.sin(1.3 * y - 0.32 * x + np.sin(0.23 * y))
    wave += 0.6 * np.sin(2.1 * y + 0.8 * x + 1.7 * np.sin(0.31 * x + 0.1 * y))
    colour[is_water] += (wave * 13 * np.exp(-depth[is_water] / 90))[:, None]


def _ground_shadows(layout: Layout, shape: tuple[int, int]) -> np.ndarray:
    """1 in the sun, 0 in the shadow of houses, trees and posts; in the ground's texture."""
    lit = np.ones(shape, np.float32)
    x0, _, _, y1 = layout.ground
    shift = -np.array(layout.sun[:2]) / layout.sun[2]

    def at(x: float, y: float) -> tuple[int, int]:
        return int((x - x0) * PIXELS_PER_M), int((y1 - y) * PIXELS_PER_M)

    for facade in layout.facades:
        ends = np.array([(facade.x0, facade.y0), (facade.x1, facade.y1)])
        cast = ends + shift * facade.height
        corners = [at(*point) for point in (*ends, *cast[::-1])]
        cv2.fillPoly(lit, [np.array(corners, np.int32)], 0.0)
    for post in layout.posts:
        foot = np.array((post.x, post.y))
        top = foot + shift * post.height * (0.62 if post.kind == "tree" else 1.0)
        thickness = {"pylon": 1.2, "tree": 0.3}.get(post.kind, 0.16)
        cv2.line(lit, at(*foot), at(*top), 0.0, max(1, int(thickness * PIXELS_PER_M)))
        if post.kind == "tree":
            radius = post.height * 0.34
            for i in range(26):
                angle, reach = i * 2.4, radius * (0.35 + 0.65 * ((i * 7) % 10) / 10)
                spot = top + np.array((np.cos(angle) * reach, np.sin(angle) * reach * 1.15))
                cv2.circle(lit, at(*spot), int(radius * 0.34 * PIXELS_PER_M), 0.0, -1)
    return cv2.GaussianBlur(lit, (0, 0), 2.5)


def _put_facade(scenery: Scenery, facade: Facade, layout: Layout) -> None:
    ends = np.array([(facade.x0, facade.y0), (facade.x1, facade.y1)])
    along = (ends[1] - ends[0]) / np.hypot(*(ends[1] - ends[0]))
    normal = np.array([along[1], -along[0], 0.0])
    sun = max(0.0, float(normal @ np.array(layout.sun)))
    colours, glow = draw_facade(facade)
    low = np.column_stack([ends, np.zeros(2)])
    high = np.column_stack([ends, np.full(2, facade.height)])
    if facade.pitched:
        back = np.column_stack([ends - normal[:2] * 3.0, np.full(2, facade.height + 2.6)])
        eave = high + normal * 0.25 - np.array([0, 0, 0.1])
        _put_quad(scenery, np.stack([back[0], back[1], eave[1], eave[0]]), draw_roof(facade), None, 0.25 + sun * 0.6)
    _put_quad(scenery, np.stack([high[0], high[1], low[1], low[0]]), colours, glow, sun)


def _put_quad(
    scenery: Scenery, corners: np.ndarray, picture: np.ndarray, glow: np.ndarray | None, sunlit: float
) -> None:
    """`corners`: (4, 3) of the picture's top left, top right, bottom right, bottom left."""
    pixels, depth = scenery.pinhole.project(corners)
    if depth.min() < NEAR_M:
        return
    height, width = scenery.depth.shape
    x0, y0 = np.maximum(np.floor(pixels.min(0)), 0).astype(int)
    x1, y1 = np.minimum(np.ceil(pixels.max(0)), (width, height)).astype(int)
    if x1 - x0 < 1 or y1 - y0 < 1:
        return
    wanted = np.linalg.norm(pixels[1] - pixels[0]), np.linalg.norm(pixels[3] - pixels[0])
    factor = min(1.0, 1.4 * max(wanted[0] / picture.shape[1], wanted[1] / picture.shape[0]))
    layers = [cv2.resize(layer, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA) if factor < 1 else layer
              for layer in (picture, glow) if layer is not None]  # fmt: skip
    rows, columns = layers[0].shape[:2]
    source = np.array([(0, 0), (columns, 0), (columns, rows), (0, rows)], np.float32)
    warp = cv2.getPerspectiveTransform(source, (pixels - (x0, y0)).astype(np.float32))
    size = (int(x1 - x0), int(y1 - y0))
    mask = cv2.warpPerspective(np.ones((rows, columns), np.float32), warp, size) > 0.5
    area = (slice(y0, y1), slice(x0, x1))
    scenery.colour[area][mask] = cv2.warpPerspective(layers[0], warp, size, borderMode=cv2.BORDER_REPLICATE)[mask]
    shine = cv2.warpPerspective(layers[1], warp, size)[mask] if glow is not None else 0.0
    scenery.glow[area][mask] = shine
    normal = np.cross(corners[1] - corners[0], corners[3] - corners[0])
    along_ray = scenery.rays[area] @ normal
    reach = float(normal @ (corners[0] - scenery.pinhole.position))
    scenery.depth[area][mask] = np.clip(reach / np.where(np.abs(along_ray) < 1e-9, 1e-9, along_ray), 1, SKY_M)[mask]
    scenery.sunlit[area][mask] = sunlit
    scenery.wetness[area][mask] = 0.0
    scenery.is_water[area][mask] = False


def _put_posts(scenery: Scenery, layout: Layout) -> tuple[Occluder, ...]:
    """Far ones first; what is drawn is also remembered as a mask over the final picture."""
    brush = Brush(scenery.pinhole, scenery.colour, scenery.glow, scenery.sunlit, scenery.depth)
    for rail in layout.rails:
        draw_rail(brush, rail)
    occluders = []
    feet = np.array([(post.x, post.y, 0.0) for post in layout.posts]).reshape(-1, 3)
    depths = scenery.pinhole.project(feet)[1]
    for index in np.argsort(-depths):
        if depths[index] < 2.0:
            continue
        mask = draw_post(brush, layout.posts[index], layout.sun)
        scenery.wetness[mask > 0] = 0.0
        scenery.is_water[mask > 0] = False
        small = cv2.resize(mask, None, fx=1 / SUPERSAMPLING, fy=1 / SUPERSAMPLING, interpolation=cv2.INTER_AREA)
        rows, columns = np.nonzero(small > 127)
        if len(rows):
            y0, y1, x0, x1 = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
            solid = ((small[y0:y1, x0:x1] > 127) * 255).astype(np.uint8)
            occluders.append(Occluder(float(depths[index]), int(x0), int(y0), solid))
    return tuple(occluders)
