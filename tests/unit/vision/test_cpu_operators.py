"""The Python operators against slow ones written as the papers say it, one number at a time."""

import math

import pytest
import torch

from edge_runtime.vision import cpu_operators
from edge_runtime.vision.torchvision_ops import torchvision


def slow_iou(first, second):
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    both = max(width, 0.0) * max(height, 0.0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return both / (sum(areas) - both)


def slow_nms(boxes, scores, threshold):
    kept = []
    for index in sorted(range(len(scores)), key=lambda number: -scores[number]):
        if all(slow_iou(boxes[index], boxes[better]) <= threshold for better in kept):
            kept.append(index)
    return kept


def slow_roi_align(features, rois, scale, pooled, ratio, aligned):
    output = torch.zeros(len(rois), features.shape[1], *pooled, dtype=features.dtype)
    for number, (picture, *corners) in enumerate(rois.tolist()):
        left, top, right, bottom = (corner * scale - (0.5 if aligned else 0.0) for corner in corners)
        across, down = right - left, bottom - top
        if not aligned:
            across, down = max(across, 1.0), max(down, 1.0)
        rows = ratio if ratio > 0 else math.ceil(down / pooled[0])
        columns = ratio if ratio > 0 else math.ceil(across / pooled[1])
        for i in range(pooled[0]):
            for j in range(pooled[1]):
                for a in range(rows):
                    for b in range(columns):
                        y = top + (i + (a + 0.5) / rows) * down / pooled[0]
                        x = left + (j + (b + 0.5) / columns) * across / pooled[1]
                        output[number, :, i, j] += bilinear(features[int(picture)], y, x) / (rows * columns)
    return output


def bilinear(picture, y, x):
    height, width = picture.shape[1:]
    if y < -1 or y > height or x < -1 or x > width:
        return torch.zeros(len(picture), dtype=picture.dtype)
    y, x = min(max(y, 0.0), height - 1.0), min(max(x, 0.0), width - 1.0)
    y0, x0 = int(y), int(x)
    y1, x1 = min(y0 + 1, height - 1), min(x0 + 1, width - 1)
    fy, fx = y - y0, x - x0
    upper = picture[:, y0, x0] * (1 - fx) + picture[:, y0, x1] * fx
    lower = picture[:, y1, x0] * (1 - fx) + picture[:, y1, x1] * fx
    return upper * (1 - fy) + lower * fy


def random_boxes(count, *, seed):
    generator = torch.Generator().manual_seed(seed)
    corners = torch.rand(count, 2, generator=generator) * 20
    return torch.cat([corners, corners + 1 + torch.rand(count, 2, generator=generator) * 15], dim=1)


@pytest.fixture(params=["ours", "torchvision's"])
def nms(request):
    return cpu_operators.nms if request.param == "ours" else torchvision.ops.nms


@pytest.fixture(params=["ours", "torchvision's"])
def roi_align(request):
    def through_torchvision(features, rois, scale, height, width, ratio, aligned):
        return torchvision.ops.roi_align(features, rois, (height, width), scale, ratio, aligned)

    return cpu_operators.roi_align if request.param == "ours" else through_torchvision


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.7])
@pytest.mark.parametrize("count", [0, 1, 40, 300])  # 300 takes a second block
def test_nms_keeps_what_the_slow_one_keeps(nms, count, threshold):
    boxes = random_boxes(count, seed=count)
    scores = torch.rand(count, generator=torch.Generator().manual_seed(1))
    assert nms(boxes, scores, threshold).tolist() == slow_nms(boxes.tolist(), scores.tolist(), threshold)


def test_nms_keeps_the_first_of_equal_boxes_and_scores(nms):
    boxes = torch.tensor([[0.0, 0, 4, 4]] * 3 + [[10.0, 10, 14, 14]])
    assert nms(boxes, torch.tensor([0.5, 0.5, 0.5, 0.5]), 0.5).tolist() == [0, 3]


@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("ratio", [-1, 2])
def test_roi_align_returns_what_the_slow_one_returns(roi_align, ratio, aligned):
    features = torch.rand(2, 3, 9, 13, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    rois = torch.tensor(
        [
            [0, 1.0, 2.0, 15.5, 11.0],
            [1, 0.0, 0.0, 26.0, 18.0],  # the whole picture
            [0, 20.0, 10.0, 40.0, 30.0],  # half outside
            [1, 5.0, 5.0, 5.3, 5.2],  # smaller than a cell
            [0, 1.0, 2.0, 15.5, 11.0],
        ],
        dtype=torch.float64,
    )
    expected = slow_roi_align(features, rois, 0.5, (3, 2), ratio, aligned)
    torch.testing.assert_close(roi_align(features, rois, 0.5, 3, 2, ratio, aligned), expected)


def test_roi_align_without_regions_is_empty(roi_align):
    assert roi_align(torch.rand(1, 3, 4, 4), torch.zeros(0, 5), 1.0, 2, 2, 2, False).shape == (0, 3, 2, 2)


def test_roi_align_passes_the_right_gradient_to_the_features():
    rois = torch.tensor([[0, 0.3, 0.6, 3.1, 3.7], [0, 1.0, 1.0, 6.0, 6.0]], dtype=torch.float64)
    features = torch.rand(1, 2, 5, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda values: cpu_operators.roi_align(values, rois, 1.0, 2, 2, 2, False), (features,)
    )
