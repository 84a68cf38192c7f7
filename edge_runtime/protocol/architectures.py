"""Which architectures there are and what each does, for those that do not carry the ML stack (forms, checks).

A test holds this list equal to the registry in edge_runtime.vision.
"""

CLASSIFICATION = "classification"
DETECTION = "detection"

_CLASSIFIERS = (
    "alexnet",
    *(f"convnext_{size}" for size in ("base", "large", "small", "tiny")),
    *(f"densenet{layers}" for layers in (121, 161, 169, 201)),
    *(f"efficientnet_b{number}" for number in range(8)),
    *(f"efficientnet_v2_{size}" for size in ("l", "m", "s")),
    *("googlenet", "inception_v3", "maxvit_t"),
    *(f"mnasnet{width}" for width in ("0_5", "0_75", "1_0", "1_3")),
    *("mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small"),
    *(f"regnet_{kind}_{size}" for kind in "xy" for size in ("16gf", "1_6gf", "32gf", "3_2gf", "400mf", "800mf", "8gf")),
    "regnet_y_128gf",
    *("resnet101", "resnet152", "resnet18", "resnet18_w24", "resnet34", "resnet50"),
    *("resnext101_32x8d", "resnext101_64x4d", "resnext50_32x4d"),
    *(f"shufflenet_v2_x{width}" for width in ("0_5", "1_0", "1_5", "2_0")),
    *("squeezenet1_0", "squeezenet1_1"),
    *(f"swin{version}_{size}" for version in ("", "_v2") for size in "bst"),
    *(f"vgg{layers}{norm}" for layers in (11, 13, 16, 19) for norm in ("", "_bn")),
    *("vit_b_16", "vit_b_32", "vit_h_14", "vit_l_16", "vit_l_32"),
    *("wide_resnet101_2", "wide_resnet50_2"),
)
_DETECTORS = (
    "centernet_resnet18_w24",
    *("fasterrcnn_mobilenet_v3_large_320_fpn", "fasterrcnn_mobilenet_v3_large_fpn"),
    *("fasterrcnn_resnet101", "fasterrcnn_resnet101_fpn"),
    *("fasterrcnn_resnet50", "fasterrcnn_resnet50_fpn", "fasterrcnn_resnet50_fpn_v2"),
    *("fcos_resnet50_fpn", "retinanet_resnet50_fpn", "retinanet_resnet50_fpn_v2"),
    *("ssd300_vgg16", "ssdlite320_mobilenet_v3_large"),
    *("yolov3", "yolov3_tiny"),
)

ARCHITECTURES: dict[str, str] = {
    **dict.fromkeys(_CLASSIFIERS, CLASSIFICATION),
    **dict.fromkeys(_DETECTORS, DETECTION),
}
