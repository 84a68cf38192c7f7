"""Faster R-CNN (Ren et al., 2015) on ResNets that torchvision has no detector of, from torchvision's own parts.

With `_fpn` as torchvision's fasterrcnn_resnet50_fpn. Without: the "C4" form of He et al., 2016: one map of stride 16
from the first four stages, and the fifth stage run on every region, so most weights are in the same layers as the
classifier's.
"""

from torch import Tensor, nn

from edge_runtime.vision.architectures.architecture import Architecture, Backbone, Head
from edge_runtime.vision.architectures.torchvision_detectors import for_ready_pictures
from edge_runtime.vision.spec import ModelSpec
from edge_runtime.vision.torchvision_ops import torchvision

_SCALES = (32, 64, 128, 256, 512)  # anchor sides in pixels
_RATIOS = (0.5, 1.0, 2.0)
_REGION = 14  # cells per side of a region; the fifth stage halves them
_REGIONS_IN_TRAINING = 128  # of the first paper; each runs the fifth stage, so torchvision's 512 cost four times that
_REGIONS_IN_USE = 300  # of the first paper


class _FifthStage(nn.Module):
    """(K, 1024, 14, 14) regions to (K, 2048) features."""

    def __init__(self, layer4: nn.Module) -> None:
        super().__init__()
        self.layer4 = layer4

    def forward(self, regions: Tensor) -> Tensor:
        features: Tensor = self.layer4(regions)
        return features.mean(dim=(2, 3))


def _resnet(spec: ModelSpec) -> str:
    return spec.architecture.split("_")[1]


def _with_pyramid(spec: ModelSpec) -> nn.Module:
    detection = torchvision.models.detection
    backbone = detection.backbone_utils.resnet_fpn_backbone(
        backbone_name=_resnet(spec), weights=None, norm_layer=nn.BatchNorm2d, trainable_layers=5
    )
    return for_ready_pictures(detection.FasterRCNN(backbone, num_classes=len(spec.classes) + 1))


def _with_one_map(spec: ModelSpec) -> nn.Module:
    detection = torchvision.models.detection
    resnet = torchvision.models.get_model(_resnet(spec), weights=None)
    stages = torchvision.models._utils.IntermediateLayerGetter(resnet, {"layer3": "0"})
    stages.out_channels = resnet.layer4[0].conv1.in_channels
    return for_ready_pictures(
        detection.FasterRCNN(
            stages,
            rpn_anchor_generator=detection.rpn.AnchorGenerator((_SCALES,), (_RATIOS,)),
            rpn_post_nms_top_n_test=_REGIONS_IN_USE,
            box_roi_pool=torchvision.ops.MultiScaleRoIAlign(["0"], output_size=_REGION, sampling_ratio=2),
            box_head=_FifthStage(resnet.layer4),
            box_predictor=detection.faster_rcnn.FastRCNNPredictor(resnet.fc.in_features, len(spec.classes) + 1),
            box_batch_size_per_image=_REGIONS_IN_TRAINING,
        )
    )


def _entries(resnet: str) -> tuple[Architecture, ...]:
    pyramid = Backbone(resnet, (("", "backbone.body."),))
    one_map = Backbone(resnet, (("layer4.", "roi_heads.box_head.layer4."), ("", "backbone.")))
    head = Head.TORCHVISION_DETECTIONS
    return (
        Architecture(f"fasterrcnn_{resnet}_fpn", head, _with_pyramid, backbone=pyramid),
        Architecture(f"fasterrcnn_{resnet}", head, _with_one_map, backbone=one_map),
    )


ARCHITECTURES = (_entries("resnet50")[1], *_entries("resnet101"))  # torchvision has the other one
