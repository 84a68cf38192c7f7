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
    linear = "Linear weight=(6, 5) bias=False"
    assert second == Layer("2.0", "Linear", linear, linear, ("2.0.weight",), 6 * 5 * 4, 1)


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


@pytest.mark.parametrize(
    "other",
    [
        nn.Conv2d(4, 8, 3),
        nn.Conv2d(4, 8, 3, padding=1, stride=2),
        nn.Conv2d(4, 8, 3, padding=1, dilation=2),
        nn.Conv2d(4, 8, 3, padding=1, padding_mode="reflect"),
    ],
)
def test_layers_that_fit_the_same_weights_have_one_shape(other):
    assert layer_inventory(other)[0].shape == layer_inventory(nn.Conv2d(4, 8, 3, padding=1))[0].shape


@pytest.mark.parametrize(
    "other",
    [
        nn.Conv2d(4, 8, 5, padding=1),
        nn.Conv2d(4, 8, 3, bias=False),
        nn.Conv2d(8, 8, 3, groups=2),
        nn.ConvTranspose2d(8, 4, 3),
    ],
)
def test_layers_that_need_other_weights_or_use_them_in_other_groups_differ_in_shape(other):
    assert layer_inventory(other)[0].shape != layer_inventory(nn.Conv2d(4, 8, 3, padding=1))[0].shape


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


def test_layers_that_hold_one_weight_count_once():
    module = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 3))
    module[2].weight, module[2].bias = module[0].weight, module[0].bias
    assert [(layer.name, layer.position) for layer in layer_inventory(module)] == [("0", 0), ("1", 1)]


def test_a_layer_that_a_network_uses_in_several_places_counts_once():
    head = nn.Conv2d(3, 4, 1)
    assert [layer.name for layer in layer_inventory(nn.Sequential(head, nn.ReLU(), head))] == ["0"]
