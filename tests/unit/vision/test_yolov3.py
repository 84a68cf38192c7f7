import pytest
import torch

from edge_runtime.vision.architectures import build
from edge_runtime.vision.inventory import layer_inventory
from edge_runtime.vision.spec import ModelSpec

COCO = tuple(map(str, range(80)))
PER_CELL = 3 * (4 + 1 + 80)


def darknet53():
    """(inputs, outputs, kernel) of the convolutions of the paper's table 1."""
    yield (3, 32, 3)
    for channels, repeats in ((64, 1), (128, 2), (256, 8), (512, 8), (1024, 4)):
        yield (channels // 2, channels, 3)
        for _ in range(repeats):
            yield from ((channels, channels // 2, 1), (channels // 2, channels, 3))


def heads():
    """What the authors' yolov3.cfg puts on top: three grids, after each but the last a way up to a finer map."""
    for inputs, width, lateral in ((1024, 512, 256), (512 + 256, 256, 128), (256 + 128, 128, None)):
        yield (inputs, width, 1)
        for _ in range(2):
            yield from ((width, 2 * width, 3), (2 * width, width, 1))
        yield from ((width, 2 * width, 3), (2 * width, PER_CELL, 1))
        if lateral:
            yield (width, lateral, 1)


TABLES = {
    "yolov3": [*darknet53(), *heads()],
    "yolov3_tiny": [
        *((3, 16, 3), (16, 32, 3), (32, 64, 3), (64, 128, 3), (128, 256, 3), (256, 512, 3), (512, 1024, 3)),
        *((1024, 256, 1), (256, 512, 3), (512, PER_CELL, 1)),
        *((256, 128, 1), (128 + 256, 256, 3), (256, PER_CELL, 1)),
    ],
}
PUBLISHED = {"yolov3": (75, 61_949_149), "yolov3_tiny": (13, 8_852_366)}  # convolutions, parameters


@pytest.mark.parametrize("name", TABLES)
def test_layers_and_parameters_are_those_of_the_published_table(name):
    table, module = TABLES[name], build(ModelSpec(name, COCO, (416, 416)), "meta")
    # A convolution has no bias but two numbers of normalisation per output; the last of a grid has just a bias.
    counted = sum(i * o * k * k + (o if o == PER_CELL else 2 * o) for i, o, k in table)
    assert (len(table), counted) == PUBLISHED[name]
    assert sum(parameter.numel() for parameter in module.parameters()) == counted
    shapes = [tuple(module.get_parameter(layer.parameters[0]).shape) for layer in layer_inventory(module)]
    assert shapes == [(o, i, k, k) for i, o, k in table]


@pytest.mark.parametrize(("name", "strides"), [("yolov3", (32, 16, 8)), ("yolov3_tiny", (32, 16))])
def test_every_grid_has_three_anchors_and_all_their_numbers(name, strides):
    size = (64, 160)
    scales = build(ModelSpec(name, ("a", "b"), size), "meta")(torch.empty(2, 3, *size, device="meta"))
    assert tuple(scale.stride for scale in scales) == strides
    for scale in scales:
        assert len(scale.anchors) == 3
        assert scale.raw.shape == (2, 3, 4 + 1 + 2, size[0] // scale.stride, size[1] // scale.stride)


def test_a_fresh_network_expects_few_objects_and_nothing_else():
    module = build(ModelSpec("yolov3_tiny", ("a", "b"), (32, 32)))
    bias = module.output16[-1].bias.detach().view(3, -1)
    torch.testing.assert_close(bias[:, 4].sigmoid(), torch.full((3,), 0.01))
    assert bias[:, [0, 1, 2, 3, 5, 6]].abs().max() < 1


def test_the_deep_network_trains_on_one_small_picture_size():
    module = build(ModelSpec("yolov3", ("a",), (32, 64))).train()
    sum(scale.raw.square().mean() for scale in module(torch.rand(2, 3, 32, 64))).backward()
    assert all(parameter.grad is not None for parameter in module.parameters())
