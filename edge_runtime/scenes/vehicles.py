"""Cars, trucks and buses as small meshes: bodies with bonnet and cabin, glass, wheels and lights.

Vehicle space: metres, u ahead, v to the left, w up, origin on the ground under the middle.
"""

import itertools
import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from edge_runtime.scenes.chance import chance

_PAINTS = (
    (196, 200, 204), (232, 232, 230), (52, 54, 58), (120, 124, 130), (168, 34, 36), (36, 70, 130), (74, 104, 132),
    (38, 76, 62), (206, 168, 70), (140, 92, 60), (92, 28, 44), (170, 190, 200),
)  # fmt: skip
_CARGO = ((226, 226, 222), (206, 210, 214), (188, 150, 70), (70, 104, 140), (160, 60, 52), (96, 124, 96))
_BUSES = ((196, 44, 42), (226, 176, 54), (52, 112, 160), (70, 138, 92), (232, 230, 224))
_GLASS = (46, 56, 66)
_TYRE = (26, 26, 28)
_LAMP = (250, 246, 226)
_TAIL = (170, 22, 22)
_VARIANTS = 89  # of each kind: a mesh takes longer to build than to draw


@dataclass(frozen=True)
class Mesh:
    """`corners`: (F, K, 3), short faces filled up with their last corner.

    `normals`, `colours`: (F, 3). `reach`: (F,) greatest extent of a face. `is_body`: faces that make up the outline.
    `lamps`, `tails`: (2, 3) points.
    `order_ahead`, `order_behind`: drawing orders for a camera ahead of the vehicle and for one behind it.
    """

    corners: np.ndarray
    normals: np.ndarray
    colours: np.ndarray
    reach: np.ndarray
    is_body: np.ndarray
    order_ahead: np.ndarray
    order_behind: np.ndarray
    lamps: np.ndarray
    tails: np.ndarray
    size: tuple[float, float, float]


class _Builder:
    def __init__(self) -> None:
        self.corners: list[np.ndarray] = []
        self.normals: list[np.ndarray] = []
        self.colours: list[tuple[int, ...]] = []
        self.body: list[bool] = []
        self.parts: list[int] = []
        self.part(0, (0.0, 0.0, 0.8))

    def part(self, rank: int, centre: tuple[float, float, float]) -> None:
        """What follows faces away from `centre`. Parts of rank 1 lie behind those of rank 2 for a camera ahead."""
        self.rank, self.centre = rank, np.array(centre)

    def face(self, corners: list[tuple[float, float, float]], colour: tuple[int, ...], is_body: bool = False) -> None:
        points = np.array(corners, float)
        normal = np.cross(points, np.roll(points, -1, axis=0)).sum(0)
        normal /= max(1e-9, float(np.linalg.norm(normal)))
        outward = normal @ (points.mean(0) - self.centre) >= 0
        self.corners.append(points)
        self.normals.append(normal if outward else -normal)
        self.colours.append(colour)
        self.body.append(is_body)
        self.parts.append(self.rank)

    def extrude(self, profile: list[tuple[float, float]], half: float, colour: tuple, tops: dict | None = None) -> None:
        """A body of constant width from a side view (u, w), which runs clockwise seen from the left."""
        tops = tops or {}
        for i, (start, end) in enumerate(itertools.pairwise(profile)):
            (u0, w0), (u1, w1) = start, end
            self.face([(u0, half, w0), (u0, -half, w0), (u1, -half, w1), (u1, half, w1)], tops.get(i, colour), True)
        for side in (1, -1):
            ring = [(u, side * half, w) for u, w in profile]
            self.face(ring[::-1] if side > 0 else ring, colour, True)

    def frustum(self, low: tuple[float, float, float, float], high: tuple[float, float, float, float], colour: tuple,
                glass: bool) -> None:  # fmt: skip
        """A cabin between a base and a roof: (rear u, front u, half width, w) each."""

        def ring(part: tuple[float, float, float, float]) -> list[tuple[float, float, float]]:
            rear, front, half, w = part
            return [(front, half, w), (rear, half, w), (rear, -half, w), (front, -half, w)]

        base, roof = ring(low), ring(high)
        for i, is_side in ((0, True), (1, False), (2, True), (3, False)):
            j = (i + 1) % 4
            corners = [base[j], base[i], roof[i], roof[j]]
            self.face(corners, colour, True)
            if glass:
                self._panes(corners, 2 if is_side else 1)
        self.face(roof, colour, True)

    def _panes(self, corners: list[tuple[float, float, float]], count: int) -> None:
        a, b, c, d = (np.array(corner) for corner in corners)
        for i in range(count):
            left, right = 0.06 + i * 0.94 / count, (i + 1) * 0.94 / count
            low_l, low_r, high_l, high_r = (
                a + (b - a) * left,
                a + (b - a) * right,
                d + (c - d) * left,
                d + (c - d) * right,
            )
            inset = [low_l + (high_l - low_l) * 0.06, low_r + (high_r - low_r) * 0.06,
                     low_r + (high_r - low_r) * 0.9, low_l + (high_l - low_l) * 0.9]  # fmt: skip
            self.face([tuple(point) for point in inset], _GLASS)

    def panel(self, side: str, at: float, span: tuple[float, float, float, float], colour: tuple) -> None:
        """A flat patch on a side: `span` = (from, to, low, high) along the side and upwards."""
        low, high, bottom, top = span
        if side == "left":
            self.face([(high, at, bottom), (low, at, bottom), (low, at, top), (high, at, top)], colour)
        elif side == "right":
            self.face([(low, -at, bottom), (high, -at, bottom), (high, -at, top), (low, -at, top)], colour)
        elif side == "front":
            self.face([(at, low, bottom), (at, high, bottom), (at, high, top), (at, low, top)], colour)
        else:
            self.face([(-at, high, bottom), (-at, low, bottom), (-at, low, top), (-at, high, top)], colour)

    def wheels(self, places: tuple[float, ...], half: float, radius: float) -> None:
        for u in places:
            for side in (1, -1):
                for reach, colour, out in ((radius, _TYRE, 0.02), (radius * 0.55, (132, 134, 138), 0.03)):
                    turn = [(u + reach * math.cos(a), side * (half + out), radius + reach * math.sin(a))
                            for a in np.linspace(0, 2 * np.pi, 12, endpoint=False)]  # fmt: skip
                    self.face(turn[::-1] if side > 0 else turn, colour, reach == radius)

    def mesh(self, size: tuple[float, float, float], lamp: float, tail: float) -> Mesh:
        length, width, _ = size
        count = max(len(corners) for corners in self.corners)
        padded = [np.concatenate([c, np.repeat(c[-1:], count - len(c), axis=0)]) for c in self.corners]
        parts, aside = np.array(self.parts), width / 2 * 0.76
        return Mesh(
            corners=np.array(padded),
            normals=np.array(self.normals),
            colours=np.array(self.colours, float),
            reach=np.array([np.ptp(c, axis=0).max() for c in self.corners]),
            is_body=np.array(self.body),
            order_ahead=np.argsort(parts, kind="stable"),
            order_behind=np.argsort(np.array([0, 2, 1, 3])[parts], kind="stable"),
            lamps=np.array([(length / 2, aside, lamp), (length / 2, -aside, lamp)]),
            tails=np.array([(-length / 2, aside, tail), (-length / 2, -aside, tail)]),
            size=size,
        )


def vehicle_mesh(kind: str, key: int) -> Mesh:
    return _variant(kind, key % _VARIANTS)


@lru_cache(maxsize=3 * _VARIANTS)
def _variant(kind: str, key: int) -> Mesh:
    if kind == "car":
        return _car(key)
    return _bus(key) if kind == "bus" else _truck(key)


def _paint(choices: tuple, key: int) -> tuple[int, int, int]:
    return choices[int(chance(key, 11) * len(choices))]


def _lights(build: _Builder, length: float, width: float, lamp: float, tail: float) -> None:
    end, side = length / 2 + 0.02, width / 2
    for sign in (1, -1):
        low, high = sorted((sign * side * 0.55, sign * side * 0.96))
        build.panel("front", end, (low, high, lamp - 0.09, lamp + 0.09), _LAMP)
        build.panel("rear", end, (low, high, tail - 0.1, tail + 0.1), _TAIL)
    build.panel("front", end, (-side * 0.45, side * 0.45, lamp - 0.16, lamp + 0.04), (38, 40, 44))
    build.panel("front", end + 0.01, (-0.26, 0.26, 0.36, 0.48), (226, 226, 214))
    build.panel("rear", end + 0.01, (-0.26, 0.26, 0.6, 0.72), (226, 226, 214))


def _car(key: int) -> Mesh:
    shape = ("hatch", "sedan", "estate", "suv")[int(chance(key, 12) * 4)]
    length = {"hatch": 3.9, "sedan": 4.6, "estate": 4.6, "suv": 4.5}[shape] * (0.96 + 0.08 * chance(key, 13))
    width, roof, belt = (1.9, 1.72, 1.02) if shape == "suv" else (1.78, 1.46, 0.90)
    colour = _paint(_PAINTS, key)
    end, half = length / 2, width / 2
    build = _Builder()
    profile = [(-end, 0.28), (-end - 0.02, belt * 0.8), (-end + 0.12, belt), (end - 1.05, belt + 0.01),
               (end - 0.12, belt * 0.80), (end, belt * 0.6), (end, 0.28)]  # fmt: skip
    build.extrude(profile, half, colour)
    build.wheels((-end + 0.82, end - 0.8), half, 0.33 if shape != "suv" else 0.37)
    _lights(build, length, width, belt * 0.68, belt * 0.76)
    for side in ("left", "right"):
        build.panel(side, half + 0.005, (-end + 0.5, end - 0.4, 0.28, 0.4), (44, 44, 46))
    build.part(0, (-0.3, 0.0, belt + 0.2))
    rear = {"hatch": (0.16, 0.5), "sedan": (0.75, 1.35), "estate": (0.12, 0.4), "suv": (0.12, 0.36)}[shape]
    build.frustum(
        (-end + rear[0], end - 1.0, half * 0.94, belt),
        (-end + rear[1], end - 1.85, half * 0.74, roof),
        colour,
        glass=True,
    )
    return build.mesh((length, width, roof), belt * 0.68, belt * 0.76)


def _bus(key: int) -> Mesh:
    length, width, height = 11.2, 2.5, 3.1
    colour = _paint(_BUSES, key)
    end, half = length / 2, width / 2
    build = _Builder()
    profile = [(-end, 0.34), (-end, height - 0.1), (-end + 0.1, height), (end - 0.25, height), (end, height - 0.35),
               (end, 0.34)]  # fmt: skip
    pale = tuple(min(255, int(c * 0.4 + 150)) for c in colour)
    build.extrude(profile, half, colour, {2: pale})
    for side in ("left", "right"):
        build.panel(side, half + 0.01, (-end + 0.3, end - 0.15, 1.35, 2.55), (34, 40, 48))
        for i in range(7):
            low = -end + 0.4 + i * 1.5
            build.panel(side, half + 0.02, (low, low + 1.36, 1.42, 2.48), _GLASS)
        build.panel(side, half + 0.01, (-end + 0.1, end - 0.1, 0.34, 0.52), (50, 50, 52))
        build.panel(side, half + 0.015, (-end + 0.1, end - 0.1, 1.1, 1.24), pale)
    for u in (2.2, -1.4):
        build.panel("right", half + 0.025, (u, u + 1.2, 0.5, 2.5), (58, 68, 78))
    build.panel("front", end + 0.01, (-half * 0.92, half * 0.92, 1.2, 2.55), (50, 62, 74))
    build.panel("front", end + 0.02, (-half * 0.6, half * 0.6, 2.58, 2.78), (250, 190, 60))
    build.panel("rear", end + 0.01, (-half * 0.8, half * 0.8, 1.7, 2.6), _GLASS)
    build.wheels((-end + 2.6, end - 2.5), half, 0.48)
    _lights(build, length, width, 0.75, 0.95)
    return build.mesh((length, width, height), 0.75, 0.95)


def _truck(key: int) -> Mesh:
    length, width, height = 7.6, 2.4, 3.2
    cabin, cargo = _paint(_PAINTS, key), _paint(_CARGO, key + 1)
    end, half = length / 2, width / 2
    build = _Builder()
    build.extrude([(-end, 0.55), (-end, 0.95), (end - 0.1, 0.95), (end - 0.1, 0.4)], half * 0.9, (52, 54, 58))
    build.wheels((-end + 1.5, end - 1.0), half * 0.92, 0.46)
    build.part(1, (-1.0, 0.0, 2.0))
    _cargo_box(build, (-end, end - 2.25, half, 0.95, height), cargo)
    build.part(2, (end - 1.0, 0.0, 1.5))
    _cabin(build, (end - 2.0, end, half * 0.95), cabin)
    build.part(3, (0.0, 0.0, 0.8))
    _lights(build, length, width, 0.72, 0.8)
    return build.mesh((length, width, height), 0.72, 0.8)


def _cargo_box(build: _Builder, span: tuple[float, float, float, float, float], colour: tuple) -> None:
    rear, front, half, low, high = span
    build.extrude([(rear, low), (rear, high), (front, high), (front, low)], half, colour)
    stripe = tuple(int(c * 0.72) for c in colour)
    for side in ("left", "right"):
        build.panel(side, half + 0.01, (rear + 0.1, front - 0.1, low + 0.05, low + 0.3), stripe)
        build.panel(side, half + 0.01, (rear + 0.9, front - 0.9, low + 0.75, low + 1.5), stripe)
    build.panel("rear", -rear + 0.01, (-0.03, 0.03, low, high), (80, 82, 86))


def _cabin(build: _Builder, span: tuple[float, float, float], colour: tuple) -> None:
    rear, front, half = span
    profile = [(rear, 0.5), (rear, 2.45), (rear + 0.3, 2.6), (front - 0.45, 2.6), (front - 0.08, 1.5), (front, 0.5)]
    build.extrude(profile, half, colour)
    for side in ("left", "right"):
        build.panel(side, half + 0.01, (rear + 0.5, front - 0.45, 1.5, 2.3), _GLASS)
    build.face([(front - 0.07, -half * 0.9, 1.55), (front - 0.07, half * 0.9, 1.55),
                (front - 0.40, half * 0.9, 2.45), (front - 0.40, -half * 0.9, 2.45)], (50, 62, 74))  # fmt: skip
