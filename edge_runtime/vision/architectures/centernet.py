"""centernet_resnet18_w24: "Objects as Points" (Zhou et al., 2019) on the small ResNet-18, for CPU boxes.

Every layer of the trunk has the shape of resnet18_w24's, so the two can share them. The neck goes from stride 32 up to
stride 4 by adding 1x1 projections (as in FPN) instead of the paper's deconvolutions: cheaper on a CPU.
"""

import math
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional

from edge_runtime.vision.architectures.architecture import Architecture, Head
from edge_runtime.vision.architectures.resnet18_w24 import STAGE_CHANNELS, Trunk

STRIDE = 4
_NECK_CHANNELS = 48
_HEAD_CHANNELS = 64
_PRIOR = 0.02  # first guess of an object per cell; the usual focal-loss start, else the empty cells drown the loss


class CenterMaps(NamedTuple):
    """What is where, at one cell per STRIDE pixels (h = H / 4, w = W / 4).

    `heatmap`: (N, classes, h, w) logits of an object's centre lying in the cell; `size`: (N, 2, h, w) width and height
    in cells; `offset`: (N, 2, h, w) of the centre inside its cell, x and y in 0..1.
    """

    heatmap: Tensor
    size: Tensor
    offset: Tensor


class CenterNetResNet18W24(nn.Module):
    def __init__(self, classes: int) -> None:
        super().__init__()
        self.trunk = Trunk()
        self.laterals = nn.ModuleList(nn.Conv2d(channels, _NECK_CHANNELS, 1) for channels in STAGE_CHANNELS)
        self.smooth = nn.Sequential(
            nn.Conv2d(_NECK_CHANNELS, _NECK_CHANNELS, 3, padding=1, bias=False),
            nn.BatchNorm2d(_NECK_CHANNELS),
            nn.ReLU(inplace=True),
        )
        self.heads = nn.Sequential(
            nn.Conv2d(_NECK_CHANNELS, _HEAD_CHANNELS, 3, padding=1, bias=False),
            nn.BatchNorm2d(_HEAD_CHANNELS),
            nn.ReLU(inplace=True),
        )
        self.heatmap = nn.Conv2d(_HEAD_CHANNELS, classes, 1)
        self.size = nn.Conv2d(_HEAD_CHANNELS, 2, 1)
        self.offset = nn.Conv2d(_HEAD_CHANNELS, 2, 1)
        if self.heatmap.bias is not None:
            nn.init.constant_(self.heatmap.bias, math.log(_PRIOR / (1 - _PRIOR)))

    def forward(self, batch: Tensor) -> CenterMaps:
        features = self.trunk.features(batch)
        merged = self.laterals[3](features[3])
        for level in (2, 1, 0):
            lateral = self.laterals[level](features[level])
            merged = lateral + functional.interpolate(merged, size=lateral.shape[-2:], mode="nearest")
        shared = self.heads(self.smooth(merged))
        return CenterMaps(self.heatmap(shared), self.size(shared), self.offset(shared))


ARCHITECTURES = (
    Architecture("centernet_resnet18_w24", Head.CENTERS, lambda spec: CenterNetResNet18W24(len(spec.classes))),
)
