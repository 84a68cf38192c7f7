"""Which tensor names every architecture has, as digests: recognising weights builds a few networks, not all of them.

A test over all architectures holds this table right; for a new one its message says the line to add.
"""

import hashlib
from collections.abc import Iterable

_ARCHITECTURES = {
    "ab64f8c5af4bfbeb": ("alexnet",),
    "fc2554727ff77e61": ("centernet_resnet18_w24",),
    "04bb85828e4d26ba": ("convnext_base", "convnext_large", "convnext_small"),
    "819b4674fa7a07ef": ("convnext_tiny",),
    "01da9529598dc5d0": ("densenet121",),
    "944b45537b4c47f1": ("densenet161",),
    "91709aefbb608985": ("densenet169",),
    "e59d00427a51d000": ("densenet201",),
    "da04676151c5175e": ("efficientnet_b0",),
    "dadcfad3020d42ed": ("efficientnet_b1", "efficientnet_b2"),
    "d253f74068b8b909": ("efficientnet_b3",),
    "c436445b51598967": ("efficientnet_b4",),
    "052e8a066c2f4fd2": ("efficientnet_b5",),
    "9e0f2c9e72000645": ("efficientnet_b6",),
    "f35749738c33b81a": ("efficientnet_b7",),
    "1131fbd538f2b8cd": ("efficientnet_v2_l",),
    "f1c19baf35d27fe4": ("efficientnet_v2_m",),
    "ccf0421e4635cf97": ("efficientnet_v2_s",),
    "a86b6aa541b47217": ("fasterrcnn_mobilenet_v3_large_320_fpn", "fasterrcnn_mobilenet_v3_large_fpn"),
    "89574b29cb3cbc4e": ("fasterrcnn_resnet101",),
    "784d91d054a3230f": ("fasterrcnn_resnet101_fpn",),
    "635409c919d913f5": ("fasterrcnn_resnet50",),
    "32fb5171e542442d": ("fasterrcnn_resnet50_fpn",),
    "49840878e63e738d": ("fasterrcnn_resnet50_fpn_v2",),
    "d5dd5c31d7d0fd91": ("fcos_resnet50_fpn",),
    "4002aa12668d3b5e": ("googlenet",),
    "ed87dd0f166ade68": ("inception_v3",),
    "5c7b2e0b6b5d0f1d": ("maxvit_t",),
    "13b923777e81ee1d": ("mnasnet0_5", "mnasnet0_75", "mnasnet1_0", "mnasnet1_3"),
    "7abb0d3441db5855": ("mobilenet_v2",),
    "0692ecb8f00ec469": ("mobilenet_v3_large",),
    "17774ef707f7135b": ("mobilenet_v3_small",),
    "cdc5460a8fcdfde9": ("regnet_x_16gf",),
    "0005f758f3dc07db": ("regnet_x_1_6gf",),
    "b3c4e775dd3ce400": ("regnet_x_32gf",),
    "ec4b868046fec833": ("regnet_x_3_2gf",),
    "ef61c30f5f0f69d8": ("regnet_x_400mf",),
    "e52da8fd19e4c9f1": ("regnet_x_800mf",),
    "0149e3e7d0b0f637": ("regnet_x_8gf",),
    "1e335ae7276cd138": ("regnet_y_128gf",),
    "119059fc06351e6b": ("regnet_y_16gf",),
    "5ad3de52fa167511": ("regnet_y_1_6gf",),
    "198097cb4c070051": ("regnet_y_32gf",),
    "a71288a234fa49f4": ("regnet_y_3_2gf",),
    "fb81768fe349985b": ("regnet_y_400mf",),
    "a15a839905edd4af": ("regnet_y_800mf",),
    "1e1b00d5a23421eb": ("regnet_y_8gf",),
    "65c093d2a20817d5": ("resnet101", "resnext101_32x8d", "resnext101_64x4d", "wide_resnet101_2"),
    "9f9c78c1b0744447": ("resnet152",),
    "e90b1f58ce95ad39": ("resnet18", "resnet18_w24"),
    "aeaf9ac2b41bf067": ("resnet34",),
    "d1512e10e88bf8a9": ("resnet50", "resnext50_32x4d", "wide_resnet50_2"),
    "0a2f43d2da5bc7fe": ("retinanet_resnet50_fpn",),
    "53e68e98e35e2f94": ("retinanet_resnet50_fpn_v2",),
    "824c1bfd4dca640f": ("shufflenet_v2_x0_5", "shufflenet_v2_x1_0", "shufflenet_v2_x1_5", "shufflenet_v2_x2_0"),
    "6512bd708bb29dd3": ("squeezenet1_0",),
    "377239e32f1ba6b0": ("squeezenet1_1",),
    "6c5d39b4dd5ab83c": ("ssd300_vgg16",),
    "4b5545930ebeede7": ("ssdlite320_mobilenet_v3_large",),
    "93b93d8b8048742d": ("swin_b", "swin_s"),
    "dc26dcabe05e795b": ("swin_t",),
    "e9714fb9e990097d": ("swin_v2_b", "swin_v2_s"),
    "c04a9f14aa089b0d": ("swin_v2_t",),
    "dc2092b06b2a1a27": ("vgg11",),
    "fdfeb8f98ed293ab": ("vgg11_bn",),
    "caa86d3b835fab76": ("vgg13",),
    "8a97c01fd4a228e2": ("vgg13_bn",),
    "66817e7930788a33": ("vgg16",),
    "b3372d34016ee025": ("vgg16_bn",),
    "eb851df2390fe1d9": ("vgg19",),
    "c9646600927e0528": ("vgg19_bn",),
    "efb732016fb37e2a": ("vit_b_16", "vit_b_32"),
    "88ce45968492c352": ("vit_h_14",),
    "c1203f0b0f155de7": ("vit_l_16", "vit_l_32"),
    "35413b67ff79d6e4": ("yolov3",),
    "181868d484fdd891": ("yolov3_tiny",),
}


def names_digest(names: Iterable[str]) -> str:
    """Of the tensors' names in any order, without BatchNorm's batch counters, which weights may lack."""
    counted = sorted(name for name in names if not name.endswith("num_batches_tracked"))
    return hashlib.sha256("\n".join(counted).encode()).hexdigest()[:16]


def architectures_named_so(names: Iterable[str]) -> tuple[str, ...]:
    """The architectures whose tensors, but for batch counters, have exactly these names."""
    return _ARCHITECTURES.get(names_digest(names), ())
