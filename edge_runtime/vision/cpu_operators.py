"""Pure-PyTorch forms of the two compiled torchvision operators that the detectors need: nms and roi_align.

Used only where the compiled ones cannot load (torchvision_ops decides). They return what the compiled ones return.
"""

import torch
from torch import Tensor
from torch.nn import functional

_BLOCK = 256  # candidates compared at a time: bounds the overlap matrix, 256 x N instead of N x N


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Greedy non-maximum suppression: indices of the kept boxes, best first.

    `boxes`: (N, 4) xyxy; `scores`: (N,). A box goes when its IoU with a kept better one is over `iou_threshold`.
    """
    order = scores.sort(descending=True, stable=True).indices
    ordered = boxes[order].float()
    alive = torch.ones(len(order), dtype=torch.bool)
    for start in range(0, len(order), _BLOCK):
        block = alive[start : start + _BLOCK].nonzero()[:, 0] + start
        kept = block[_greedy(_iou(ordered[block], ordered[block]) > iou_threshold)]
        alive[block] = False
        alive[kept] = True
        rest = alive[start + _BLOCK :].nonzero()[:, 0] + start + _BLOCK
        alive[rest] = ~(_iou(ordered[kept], ordered[rest]) > iou_threshold).any(dim=0)
    return order[alive]


def _greedy(overlaps: Tensor) -> Tensor:
    """Which of the boxes, best first, survive; `overlaps`: (N, N) bool."""
    rows = overlaps.numpy()
    removed = torch.zeros(len(rows), dtype=torch.bool).numpy()
    for index, row in enumerate(rows):
        if not removed[index]:
            removed[index + 1 :] |= row[index + 1 :]
    return torch.from_numpy(~removed)


def _iou(first: Tensor, second: Tensor) -> Tensor:
    """(N, M) intersection over union of (N, 4) and (M, 4) xyxy boxes; NaN for two empty ones."""
    low = torch.maximum(first[:, None, :2], second[None, :, :2])
    high = torch.minimum(first[:, None, 2:], second[None, :, 2:])
    intersection = (high - low).clamp_(min=0).prod(dim=2)
    return intersection / (_area(first)[:, None] + _area(second)[None] - intersection)


def _area(boxes: Tensor) -> Tensor:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def roi_align(
    features: Tensor,
    rois: Tensor,
    spatial_scale: float,
    pooled_height: int,
    pooled_width: int,
    sampling_ratio: int,
    aligned: bool,
) -> Tensor:
    """Mean of bilinear samples in each of pooled_height x pooled_width cells of every region; differentiable.

    `features`: (N, C, H, W); `rois`: (K, 5) of picture index and xyxy in picture pixels. Returns
    (K, C, pooled_height, pooled_width). He et al., Mask R-CNN, 2017.
    """
    corners = rois[:, 1:] * spatial_scale - (0.5 if aligned else 0.0)
    start, extent = corners[:, :2], corners[:, 2:] - corners[:, :2]
    if not aligned:
        extent = extent.clamp(min=1.0)
    pooled = torch.tensor([pooled_width, pooled_height])
    samples = (extent / pooled).ceil().clamp(min=1) if sampling_ratio <= 0 else torch.full_like(extent, sampling_ratio)
    keys = torch.cat([rois[:, :1], samples], dim=1).long()
    output = features.new_zeros(len(rois), features.shape[1], pooled_height, pooled_width)
    for key in torch.unique(
        keys, dim=0
    ):  # one grid_sample for all regions of one picture with as many samples per cell
        chosen = (keys == key).all(dim=1).nonzero()[:, 0]
        picture, across, down = key.tolist()
        columns = _positions(start[chosen, 0], extent[chosen, 0], pooled_width * across)
        rows = _positions(start[chosen, 1], extent[chosen, 1], pooled_height * down)
        sampled = _sample(features[picture], rows, columns)
        output = output.index_copy(0, chosen, functional.avg_pool2d(sampled, (down, across)))
    return output


def _positions(start: Tensor, extent: Tensor, count: int) -> Tensor:
    """(K, count) centres of `count` equal parts of each of K intervals."""
    return start[:, None] + extent[:, None] * (torch.arange(count, dtype=start.dtype) + 0.5) / count


def _sample(picture: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Bilinear samples (K, C, R, S) of `picture` (C, H, W) at `rows` (K, R) x `columns` (K, S).

    Up to one pixel outside counts as the border; farther outside is zero.
    """
    height, width = picture.shape[1:]
    inside = ((rows >= -1) & (rows <= height))[:, :, None] & ((columns >= -1) & (columns <= width))[:, None, :]
    x = (columns * (2 / max(width - 1, 1)) - 1)[:, None, :].expand(inside.shape)
    y = (rows * (2 / max(height - 1, 1)) - 1)[:, :, None].expand(inside.shape)
    grid = torch.stack([x, y], dim=-1).flatten(0, 1)[None]
    values = functional.grid_sample(picture[None], grid, padding_mode="border", align_corners=True)[0]
    return values.reshape(len(picture), *inside.shape).transpose(0, 1) * inside[:, None]
