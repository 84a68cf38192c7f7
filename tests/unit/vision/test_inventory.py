import pytest
from torch import nn

from edge_runtime.vision.architectures import build
from edge_runtime.vision.inventory import Layer, layer_inventory
from edge_runtime.vision.spec import ModelSpec


def signature(layer):
    return layer_inventory(layer)[0].signature


def test_convolutions_and_linear_layers_are_listed_in_order_with_their_tensors():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Sequential(nn.Linear(5, 6, bias=False)))
    first, second = layer_inventory(module)
    assert (first.name, first.kind, first.parameters, first.position) == ("0", "Conv2d", ("0.weight", "0.bias"), 0)
    assert first.size_bytes == (4 * 3 * 3 * 3 + 4) * 4
    assert second == Layer("2.0", "Linear", "Linear weight=(6, 5) bias=False", ("2.0.weight",), 6 * 5 * 4, 1)


@pytest.mark.parametrize(
    "other",
    [
        nn.Conv2d(4, 8, 5, padding=1),
        nn.Conv2d(4, 8, 3),
        nn.Conv2d(4, 8, 3, padding=1, bias=False),
        nn.Conv2d(4, 8, 3, padding=1, stride=2),
        nn.Conv2d(4, 8, 3, padding=1, dilation=2),
        nn.Conv2d(8, 8, 3, padding=1, groups=2),
        nn.Conv2d(4, 8, 3, padding=1, padding_mode="reflect"),
        nn.ConvTranspose2d(8, 4, 3, padding=1),
        nn.Conv1d(4, 8, 3, padding=1),
    ],
)
def test_layers_that_differ_in_anything_have_different_signatures(other):
    assert signature(other) != signature(nn.Conv2d(4, 8, 3, padding=1))


def test_layers_that_differ_only_in_values_have_one_signature():
    assert signature(nn.Conv2d(4, 8, 3, padding=1)) == signature(nn.Conv2d(4, 8, (3, 3), padding=(1, 1)))


def test_a_skeleton_has_the_inventory_of_the_network():
    spec = ModelSpec("squeezenet1_1", ("a", "b"), (32, 32))
    assert layer_inventory(build(spec, "meta")) == layer_inventory(build(spec))


def test_every_named_tensor_is_in_the_state_dict():
    module = build(ModelSpec("fasterrcnn_mobilenet_v3_large_320_fpn", ("a",), (32, 32)), "meta")
    names = set(module.state_dict())
    assert all(set(layer.parameters) <= names for layer in layer_inventory(module))


def test_the_small_detector_can_share_every_convolution_of_the_small_classifier():
    classifier, detector = (
        layer_inventory(build(ModelSpec(name, ("a", "b"), (32, 32)), "meta"))
        for name in ("resnet18_w24", "centernet_resnet18_w24")
    )
    trunk = [layer.signature for layer in detector if layer.name.startswith("trunk.")]
    assert trunk == [layer.signature for layer in classifier if layer.kind == "Conv2d"]
    shared, whole = (sum(layer.size_bytes for layer in layers) for layers in (classifier, detector))
    assert shared > 0.9 * whole
