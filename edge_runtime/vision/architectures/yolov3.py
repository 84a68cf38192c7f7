"""yolov3 and yolov3_tiny: "YOLOv3: An Incremental Improvement" (Redmon and Farhadi, 2018).

Layers as in the paper's table 1 (Darknet-53) and section 2.3, and for what the paper leaves open (laterals, the tiny
network, anchors) as in the authors' published configurations. A test counts the parameters against both. Anchors are
in pixels of the input, whatever its size, as there.
"""

import math
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from edge_runtime.vision.architectures.architecture import Architecture, Head, Normalisation
from edge_runtime.vision.architectures.input_sizes import InputSizes

Anchors = tuple[tuple[float, float], ...]

_ANCHORS: tuple[Anchors, ...] = (  # at strides 32, 16, 8; width, height
    ((116, 90), (156, 198), (373, 326)),
    ((30, 61), (62, 45), (59, 119)),
    ((10, 13), (16, 30), (33, 23)),
)
_TINY_ANCHORS: tuple[Anchors, ...] = (((81, 82), (135, 169), (344, 319)), ((10, 14), (23, 27), (37, 58)))
_BOX = 5  # numbers per anchor besides the classes: x, y, width, height, objectness
_SLOPE = 0.1  # of the leaky rectifiers
_PRIOR = 0.01  # first guess of objectness (Lin et al., 2017): at 0.5 the thousands of empty cells drown the loss


class YoloScale(NamedTuple):
    """Raw answers on one grid, before any sigmoid or exponential.

    `raw`: (N, A, 5 + classes, h, w): x, y, width, height, objectness, then one logit per class. `anchors`: A pairs
    of width and height in pixels of the input. `stride`: pixels per cell.
    """

    raw: Tensor
    anchors: Anchors
    stride: int


def _convolution(inputs: int, outputs: int, size: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(_SLOPE, inplace=True),
    )


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduce = _convolution(channels, channels // 2, 1)
        self.restore = _convolution(channels // 2, channels, 3)

    def forward(self, features: Tensor) -> Tensor:
        restored: Tensor = self.restore(self.reduce(features))
        return features + restored


class _Darknet53(nn.Module):
    """Features at strides 8, 16 and 32, with 256, 512 and 1024 channels. Without the classifier of the paper."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _convolution(3, 32, 3)
        self.stages = nn.ModuleList(
            nn.Sequential(_convolution(32 << stage, 64 << stage, 3, 2), *(_Residual(64 << stage) for _ in range(count)))
            for stage, count in enumerate((1, 2, 8, 8, 4))
        )

    def forward(self, batch: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        features, found = self.stem(batch), []
        for stage in self.stages:
            features = stage(features)
            found.append(features)
        return found[2], found[3], found[4]


class _TinyBody(nn.Module):
    """Features at strides 16 and 32, with 256 and 1024 channels."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 16, 32, 64, 128, 256, 512, 1024)
        self.layers = nn.ModuleList(_convolution(inputs, outputs, 3) for inputs, outputs in pairwise(widths))

    def forward(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        features = self.layers[0](batch)
        for layer in self.layers[1:5]:
            features = layer(functional.max_pool2d(features, 2))
        coarse = self.layers[5](functional.max_pool2d(features, 2))
        # The last pooling has stride 1: one column and row beyond the picture, which never win, keep the size.
        padded = functional.pad(coarse, (0, 1, 0, 1), value=float("-inf"))
        return features, self.layers[6](functional.max_pool2d(padded, 2, stride=1))


class _Output(nn.Sequential):
    """The last layers of one grid, and its anchors."""

    def __init__(self, inputs: int, hidden: int, classes: int, anchors: Anchors, stride: int) -> None:
        last = nn.Conv2d(hidden, len(anchors) * (_BOX + classes), 1)
        super().__init__(_convolution(inputs, hidden, 3), last)
        self.anchors, self.stride = anchors, stride
        if last.bias is not None:
            with torch.no_grad():
                last.bias.view(len(anchors), -1)[:, _BOX - 1].fill_(-math.log(1 / _PRIOR - 1))

    def answer(self, features: Tensor) -> YoloScale:
        raw: Tensor = self(features)
        return YoloScale(raw.unflatten(1, (len(self.anchors), -1)), self.anchors, self.stride)


def _five(inputs: int, width: int) -> nn.Sequential:
    """The five layers between a map and its output: in turn 1x1 to `width` and 3x3 to twice that."""
    return nn.Sequential(
        _convolution(inputs, width, 1),
        _convolution(width, 2 * width, 3),
        _convolution(2 * width, width, 1),
        _convolution(width, 2 * width, 3),
        _convolution(2 * width, width, 1),
    )


def _doubled(features: Tensor) -> Tensor:
    return functional.interpolate(features, scale_factor=2.0, mode="nearest")


class YoloV3(nn.Module):
    """(N, 3, H, W), H and W multiples of 32, to one YoloScale each at strides 32, 16 and 8."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.body = _Darknet53()
        self.neck32 = _five(1024, 512)
        self.output32 = _Output(512, 1024, classes, _ANCHORS[0], 32)
        self.lateral16 = _convolution(512, 256, 1)
        self.neck16 = _five(256 + 512, 256)
        self.output16 = _Output(256, 512, classes, _ANCHORS[1], 16)
        self.lateral8 = _convolution(256, 128, 1)
        self.neck8 = _five(128 + 256, 128)
        self.output8 = _Output(128, 256, classes, _ANCHORS[2], 8)

    def forward(self, batch: Tensor) -> tuple[YoloScale, ...]:
        fine, middle, coarse = self.body(batch)
        at32 = self.neck32(coarse)
        at16 = self.neck16(torch.cat([_doubled(self.lateral16(at32)), middle], dim=1))
        at8 = self.neck8(torch.cat([_doubled(self.lateral8(at16)), fine], dim=1))
        return self.output32.answer(at32), self.output16.answer(at16), self.output8.answer(at8)


class YoloV3Tiny(nn.Module):
    """(N, 3, H, W), H and W multiples of 32, to one YoloScale each at strides 32 and 16."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.body = _TinyBody()
        self.neck32 = _convolution(1024, 256, 1)
        self.output32 = _Output(256, 512, classes, _TINY_ANCHORS[0], 32)
        self.lateral16 = _convolution(256, 128, 1)
        self.output16 = _Output(128 + 256, 256, classes, _TINY_ANCHORS[1], 16)

    def forward(self, batch: Tensor) -> tuple[YoloScale, ...]:
        fine, coarse = self.body(batch)
        at32 = self.neck32(coarse)
        at16 = torch.cat([_doubled(self.lateral16(at32)), fine], dim=1)
        return self.output32.answer(at32), self.output16.answer(at16)


_AS_IT_COMES = Normalisation((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))

ARCHITECTURES = tuple(
    Architecture(name, Head.YOLO, construct, _AS_IT_COMES, input_sizes=InputSizes(multiple=32), usual_size=(416, 416))
    for name, construct in (
        ("yolov3", lambda spec: YoloV3(len(spec.classes))),
        ("yolov3_tiny", lambda spec: YoloV3Tiny(len(spec.classes))),
    )
)
