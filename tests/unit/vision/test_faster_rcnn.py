from collections import Counter

import numpy as np
import pytest
import torch

from edge_runtime.vision.architectures import build, faster_rcnn, load_weights
from edge_runtime.vision.inventory import layer_inventory
from edge_runtime.vision.spec import BoxTruth, ModelSpec
from edge_runtime.vision.tasks import functions_for

SPEC = ModelSpec("fasterrcnn_resnet50", ("car", "bus"), (32, 64))


def few_regions(module):
    """Each region costs a pass through the fifth stage."""
    module.rpn._post_nms_top_n = dict.fromkeys(("training", "testing"), 2)
    module.roi_heads.fg_bg_sampler.batch_size_per_image = 2
    return module


@pytest.mark.parametrize(
    ("detector", "classifier"),
    [
        ("fasterrcnn_resnet50", "resnet50"),
        ("fasterrcnn_resnet101", "resnet101"),
        ("fasterrcnn_resnet101_fpn", "resnet101"),
        ("retinanet_resnet50_fpn_v2", "resnet50"),
    ],
)
def test_a_detector_can_share_every_convolution_of_its_classifier(detector, classifier):
    parts = (layer_inventory(build(ModelSpec(name, ("a",), (64, 64)), "meta")) for name in (detector, classifier))
    signatures = [Counter(layer.signature for layer in layers if layer.kind == "Conv2d") for layers in parts]
    assert not signatures[1] - signatures[0]


def test_the_form_with_a_pyramid_is_torchvisions():
    name = "fasterrcnn_resnet50_fpn"
    with torch.device("meta"):
        ours = faster_rcnn._with_pyramid(ModelSpec(name, ("a", "b"), (64, 64))).state_dict()
    theirs = build(ModelSpec(name, ("a", "b"), (64, 64)), "meta").state_dict()
    assert {key: tensor.shape for key, tensor in ours.items()} == {key: tensor.shape for key, tensor in theirs.items()}


def test_the_form_with_one_map_answers_and_trains():
    functions, module = functions_for(SPEC), few_regions(build(SPEC))
    batch = torch.rand(2, 3, 32, 64)
    answers = functions.predict(module, batch)
    assert all(((answer.boxes >= 0) & (answer.boxes <= 1)).all() for answer in answers)
    truth = BoxTruth(np.array([[0.1, 0.1, 0.6, 0.7]], dtype=np.float32), np.array([1]))
    functions.loss(module, batch, truths=[truth, truth], teaching=None).backward()
    assert all(parameter.grad is not None for parameter in module.parameters())
    assert sum(bool(parameter.grad.any()) for parameter in module.parameters()) > 100


def test_the_form_with_one_map_built_as_skeleton_answers_once_loaded():
    module, batch = build(SPEC), torch.rand(1, 3, 32, 64)
    with torch.inference_mode():
        expected, answer = (few_regions(one)(batch)[0] for one in (module, load_weights(SPEC, module.state_dict())))
    assert torch.equal(answer["boxes"], expected["boxes"])
