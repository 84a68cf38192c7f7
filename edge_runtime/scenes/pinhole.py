"""The camera: where a point of the world (metres; x right, y ahead, z up) falls in the picture (pixels)."""

import math
from dataclasses import dataclass, field

import numpy as np

NEAR_M = 1.0


@dataclass(frozen=True)
class Pose:
    """A camera on its mast. Yaw turns right, pitch turns down; degrees. `fov` is horizontal."""

    x: float
    y: float
    z: float
    yaw: float
    pitch: float
    fov: float


@dataclass(frozen=True)
class Pinhole:
    pose: Pose
    width: int
    height: int
    focal: float = field(init=False)
    position: np.ndarray = field(init=False)
    rotation: np.ndarray = field(init=False)  # rows: right, down, ahead

    def __post_init__(self) -> None:
        yaw, pitch = math.radians(self.pose.yaw), math.radians(self.pose.pitch)
        right = np.array([math.cos(yaw), -math.sin(yaw), 0.0])
        ahead = np.array([math.sin(yaw) * math.cos(pitch), math.cos(yaw) * math.cos(pitch), -math.sin(pitch)])
        object.__setattr__(self, "focal", self.width / 2 / math.tan(math.radians(self.pose.fov) / 2))
        object.__setattr__(self, "position", np.array([self.pose.x, self.pose.y, self.pose.z]))
        object.__setattr__(self, "rotation", np.stack([right, -np.cross(right, ahead), ahead]))

    def scaled(self, factor: int) -> "Pinhole":
        return Pinhole(self.pose, self.width * factor, self.height * factor)

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """`points`: (N, 3). Returns pixels (N, 2) and depth (N,) in metres; pixels mean nothing where depth <= 0."""
        seen = (points - self.position) @ self.rotation.T
        depth = seen[:, 2]
        safe = np.where(depth > 1e-3, depth, 1e-3)
        pixels = seen[:, :2] * (self.focal / safe)[:, None]
        pixels[:, 0] += self.width / 2
        pixels[:, 1] += self.height / 2
        return pixels, depth

    def ground_homography(self) -> np.ndarray:
        """(3, 3): ground metres (x, y, 1) to homogeneous pixels."""
        intrinsic = np.array([[self.focal, 0, self.width / 2], [0, self.focal, self.height / 2], [0, 0, 1]])
        shift = -self.rotation @ self.position
        return intrinsic @ np.column_stack([self.rotation[:, 0], self.rotation[:, 1], shift])

    def rays(self) -> np.ndarray:
        """(H, W, 3): direction of every pixel in the world, with 1 along the optical axis."""
        columns = (np.arange(self.width) + 0.5 - self.width / 2) / self.focal
        rows = (np.arange(self.height) + 0.5 - self.height / 2) / self.focal
        across, down = np.meshgrid(columns, rows)
        return np.stack([across, down, np.ones_like(across)], axis=-1) @ self.rotation
