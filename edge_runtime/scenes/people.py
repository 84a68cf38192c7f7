"""People who walk and people who ride, as jointed figures that depend on the distance walked.

Body space: metres, u ahead, v to the left, w up.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from edge_runtime.scenes.chance import chance

_COATS = (
    (52, 62, 88), (150, 46, 48), (60, 92, 74), (196, 168, 110), (40, 40, 44), (112, 84, 122), (206, 206, 200),
    (210, 120, 50), (70, 116, 160), (120, 92, 70),
)  # fmt: skip
_TROUSERS = ((44, 50, 66), (62, 62, 66), (92, 84, 74), (36, 36, 40), (120, 112, 98))
_SKIN = ((226, 184, 154), (198, 150, 118), (150, 104, 76), (110, 74, 54))
_HAIR = ((46, 34, 28), (92, 64, 40), (30, 28, 28), (168, 132, 84), (150, 148, 146))


@dataclass(frozen=True)
class Looks:
    height: float
    coat: tuple[int, int, int]
    trousers: tuple[int, int, int]
    skin: tuple[int, int, int]
    hair: tuple[int, int, int]
    has_bag: bool


@lru_cache(maxsize=1024)
def looks_of(key: int) -> Looks:
    def one(choices: tuple, salt: int) -> tuple[int, int, int]:
        return choices[int(chance(key, salt) * len(choices))]

    return Looks(
        height=1.58 + 0.30 * chance(key, 20),
        coat=one(_COATS, 21),
        trousers=one(_TROUSERS, 22),
        skin=one(_SKIN, 23),
        hair=one(_HAIR, 24),
        has_bag=chance(key, 25) < 0.35,
    )


@dataclass(frozen=True)
class Stroke:
    """Joints to connect, with a width in metres; a single joint is a disc of that diameter."""

    joints: tuple[int, ...]
    width: float
    part: str
    shade: float = 1.0


WALKER_STROKES = (
    Stroke((0, 6, 7), 0.115, "coat", 0.72),
    Stroke((1, 2, 3), 0.165, "trousers", 0.78),
    Stroke((3, 12), 0.10, "shoes"),
    Stroke((1, 4, 5), 0.165, "trousers"),
    Stroke((5, 13), 0.10, "shoes"),
    Stroke((1, 10, 0), 0.36, "coat"),
    Stroke((0, 8, 9), 0.115, "coat", 0.88),
    Stroke((9,), 0.11, "skin"),
    Stroke((11,), 0.245, "hair"),
    Stroke((14,), 0.19, "skin"),
)


def walker_joints(height: float, step: float, is_moving: bool) -> np.ndarray:
    """(15, 3): shoulders, hips, knee and ankle of each leg, elbow and hand of each arm, chest, head, toes, face.

    One stride (two steps) is 1.45 m long.
    """
    swing = math.sin(step / 1.45 * 2 * math.pi) if is_moving else 0.05
    hip, shoulder = 0.50 * height, 0.80 * height
    bob = 0.015 * abs(swing)
    thigh = shin = 0.25 * height

    def leg(phase: float) -> list[tuple[float, float, float]]:
        angle = 0.40 * phase
        bend = 0.55 * max(0.0, -phase) + 0.08
        knee = (thigh * math.sin(angle + 0.1), 0.0, hip - thigh * math.cos(angle + 0.1))
        ankle = (knee[0] + shin * math.sin(angle - bend), 0.0, max(0.05, knee[2] - shin * math.cos(angle - bend)))
        return [knee, ankle]

    def arm(phase: float, side: float) -> list[tuple[float, float, float]]:
        angle = 0.36 * phase
        elbow = (0.17 * height * math.sin(angle), side * 0.21, shoulder - 0.17 * height * math.cos(angle))
        hand = (elbow[0] + 0.15 * height * math.sin(angle + 0.3), side * 0.2, elbow[2] - 0.15 * height)
        return [elbow, hand]

    (knee_a, ankle_a), (knee_b, ankle_b) = leg(swing), leg(-swing)
    (elbow_a, hand_a), (elbow_b, hand_b) = arm(-swing, -1), arm(swing, 1)
    joints = [
        (0.0, 0.0, shoulder),
        (0.0, 0.0, hip),
        (knee_a[0], -0.09, knee_a[2]),
        (ankle_a[0], -0.09, ankle_a[2]),
        (knee_b[0], 0.09, knee_b[2]),
        (ankle_b[0], 0.09, ankle_b[2]),
        elbow_a,
        hand_a,
        elbow_b,
        hand_b,
        (0.02, 0.0, 0.66 * height),
        (0.02, 0.0, 0.925 * height),
        (ankle_a[0] + 0.17, -0.1, ankle_a[2] - 0.03),
        (ankle_b[0] + 0.17, 0.1, ankle_b[2] - 0.03),
        (0.06, 0.0, 0.905 * height),
    ]
    figure = np.array(joints)
    figure[:, 2] += bob
    return figure


RIDER_STROKES = (
    Stroke((3, 2), 0.16, "trousers", 0.8),
    Stroke((2, 4), 0.12, "trousers", 0.8),
    Stroke((10, 12, 11), 0.055, "frame"),
    Stroke((12, 13), 0.05, "frame"),
    Stroke((11, 14), 0.05, "frame"),
    Stroke((10, 15), 0.05, "frame"),
    Stroke((3, 5), 0.16, "trousers"),
    Stroke((5, 6), 0.12, "trousers"),
    Stroke((3, 0), 0.34, "coat"),
    Stroke((0, 1), 0.11, "coat", 0.85),
    Stroke((1,), 0.1, "skin"),
    Stroke((7,), 0.245, "helmet"),
    Stroke((8,), 0.18, "skin"),
)


def rider_joints(step: float) -> np.ndarray:
    """(16, 3): shoulder, hand, knee, hip, foot, other knee, other foot, head, face, -, wheel hubs and frame points."""
    turn = step / 5.2 * 2 * math.pi

    def foot(angle: float) -> tuple[float, float, float]:
        return 0.05 + 0.17 * math.cos(angle), 0.0, 0.34 + 0.17 * -math.sin(angle)

    def knee(at: tuple[float, float, float]) -> tuple[float, float, float]:
        return (at[0] - 0.14) * 0.5 + 0.22, 0.0, (at[2] + 0.98) * 0.5 + 0.1

    one, other = foot(turn), foot(turn + math.pi)
    knee_one, knee_other = knee(one), knee(other)
    joints = [
        (0.16, 0.0, 1.42), (0.50, 0.0, 1.06), (knee_one[0], -0.09, knee_one[2]), (-0.18, 0.0, 0.98),
        (one[0], -0.1, one[2]), (knee_other[0], 0.09, knee_other[2]), (other[0], 0.1, other[2]), (0.26, 0.0, 1.64),
        (0.31, 0.0, 1.60), (0.0, 0.0, 0.9), (-0.54, 0.0, 0.35), (0.56, 0.0, 0.35), (0.02, 0.0, 0.34),
        (-0.17, 0.0, 0.88), (0.45, 0.0, 1.02), (-0.14, 0.0, 0.8),
    ]  # fmt: skip
    return np.array(joints)


def wheel_ring(hub: float) -> np.ndarray:
    """(16, 3): the rim of a wheel around `hub`."""
    angles = np.linspace(0, 2 * np.pi, 15)
    return np.column_stack([hub + 0.34 * np.cos(angles), np.zeros(15), 0.35 + 0.34 * np.sin(angles)])
