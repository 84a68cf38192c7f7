"""ResNet-18 with 24 base channels instead of 64 (He et al., 2016): a classifier for boxes without accelerator.

State-dict names are torchvision's. The trunk is a class of its own because centernet_resnet18_w24 has the same one.
"""

from torch import Tensor, nn

from edge_runtime.vision.architectures.architecture import Architecture, Head
from edge_runtime.vision.torchvision_ops import torchvision

STAGE_CHANNELS = (24, 48, 96, 192)


def _stage(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    block = torchvision.models.resnet.BasicBlock
    shortcut = None
    if stride != 1:
        shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
    return nn.Sequential(block(inputs, outputs, stride, shortcut), block(outputs, outputs))


class Trunk(nn.Module):
    """Features of a picture at strides 4, 8, 16 and 32, with STAGE_CHANNELS channels."""

    def __init__(self) -> None:
        super().__init__()
        first, second, third, fourth = STAGE_CHANNELS
        self.conv1 = nn.Conv2d(3, first, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(first)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = _stage(first, first, 1)
        self.layer2 = _stage(first, second, 2)
        self.layer3 = _stage(second, third, 2)
        self.layer4 = _stage(third, fourth, 2)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def features(self, batch: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        first = self.layer1(self.maxpool(self.relu(self.bn1(self.conv1(batch)))))
        second = self.layer2(first)
        third = self.layer3(second)
        return first, second, third, self.layer4(third)


class ResNet18W24(Trunk):
    """(N, 3, H, W) to logits (N, classes)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(STAGE_CHANNELS[-1], classes)

    def forward(self, batch: Tensor) -> Tensor:
        logits: Tensor = self.fc(self.avgpool(self.features(batch)[-1]).flatten(1))
        return logits


ARCHITECTURES = (Architecture("resnet18_w24", Head.LOGITS, lambda spec: ResNet18W24(len(spec.classes))),)
