"""The maps that CenterNet should have answered with, from true boxes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from edge_runtime.vision.spec import BoxTruth, Truth

# A box moved by the radius still overlaps the true one that much (Law & Deng, 2018). Not their 0.7: their code solves
# the equations wrongly and so gets wider hills, which small objects on a coarse map need.
_MINIMUM_OVERLAP = 0.3


@dataclass(frozen=True)
class CenterTargets:
    """`heatmap`: (N, classes, h, w), 1 at centres, a Gaussian around them. Per object: its `picture` and `cell`
    (row * w + column), both (K,), its `size` in cells and `offset` in its cell, both (K, 2) x before y.
    """

    heatmap: Tensor
    picture: Tensor
    cell: Tensor
    size: Tensor
    offset: Tensor


def center_targets(truths: Sequence[Truth | None], like: Tensor) -> CenterTargets:
    """Targets of N pictures for a heatmap of the shape (N, classes, h, w), dtype and device of `like`."""
    height, width = like.shape[-2:]
    heatmap = np.zeros(like.shape, dtype=np.float32)
    rows: list[tuple[int, int, float, float, float, float]] = []
    for picture, truth in enumerate(truths):
        assert isinstance(truth, BoxTruth)
        for box, label in zip(truth.boxes * np.array([width, height, width, height]), truth.labels, strict=True):
            across, down = float(box[2] - box[0]), float(box[3] - box[1])
            x, y = float(box[0] + box[2]) / 2, float(box[1] + box[3]) / 2
            column, row = min(int(x), width - 1), min(int(y), height - 1)
            _draw(heatmap[picture, label], row, column, gaussian_radius(across, down))
            rows.append((picture, row * width + column, across, down, x - column, y - row))
    values = torch.tensor(rows, dtype=torch.float64).reshape(-1, 6).to(like.device)
    numbers = values[:, 2:].to(like.dtype)
    return CenterTargets(
        torch.from_numpy(heatmap).to(like), values[:, 0].long(), values[:, 1].long(), numbers[:, :2], numbers[:, 2:]
    )


def gaussian_radius(width: float, height: float) -> int:
    """Cells by which a centre may be off while the box still overlaps the true one by _MINIMUM_OVERLAP.

    The smallest over the three ways corners can move: one in and one out, both in, both out.
    """
    total, area, overlap = width + height, width * height, _MINIMUM_OVERLAP
    shifted = _smaller_root(1, total, area * (1 - overlap) / (1 + overlap))
    inside = _smaller_root(4, 2 * total, area * (1 - overlap))
    outside = (-2 * overlap * total + math.sqrt(4 * overlap**2 * total**2 + 16 * overlap * (1 - overlap) * area)) / (
        8 * overlap
    )
    return max(0, int(min(shifted, inside, outside)))


def _smaller_root(a: float, b: float, c: float) -> float:
    """The smaller solution of a r^2 - b r + c = 0."""
    return (b - math.sqrt(max(b * b - 4 * a * c, 0.0))) / (2 * a)


def _draw(heat: np.ndarray, row: int, column: int, radius: int) -> None:
    """A Gaussian of deviation diameter / 6 around the cell, cut at the radius; overlapping ones keep the higher."""
    top, left = max(row - radius, 0), max(column - radius, 0)
    window = heat[top : row + radius + 1, left : column + radius + 1]
    down = np.arange(top, top + window.shape[0]) - row
    across = np.arange(left, left + window.shape[1]) - column
    deviation = (2 * radius + 1) / 6
    np.maximum(window, np.exp(-(down[:, None] ** 2 + across[None] ** 2) / (2 * deviation**2)), out=window)
