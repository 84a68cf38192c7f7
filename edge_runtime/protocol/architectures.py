"""Which architectures there are and what each does, for those that do not carry the ML stack (forms, checks).

A test holds this list equal to the registry in edge_runtime.vision.
"""

CLASSIFICATION = "classification"
DETECTION = "detection"

_CLASSIFIERS = (
    *("alexnet", "densenet121", "efficientnet_b0", "efficientnet_b1", "googlenet", "inception_v3"),
    *("mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small"),
    *("resnet101", "resnet152", "resnet18", "resnet18_w24", "resnet34", "resnet50", "shufflenet_v2_x1_0"),
    *("squeezenet1_0", "squeezenet1_1", "vgg11", "vgg13", "vgg16", "vgg16_bn", "vgg19", "wide_resnet50_2"),
)
_DETECTORS = (
    *("centernet_resnet18_w24", "fasterrcnn_mobilenet_v3_large_320_fpn", "fasterrcnn_mobilenet_v3_large_fpn"),
    *("fasterrcnn_resnet50_fpn", "fcos_resnet50_fpn", "retinanet_resnet50_fpn"),
    *("ssd300_vgg16", "ssdlite320_mobilenet_v3_large"),
)

ARCHITECTURES: dict[str, str] = {
    **dict.fromkeys(_CLASSIFIERS, CLASSIFICATION),
    **dict.fromkeys(_DETECTORS, DETECTION),
}
