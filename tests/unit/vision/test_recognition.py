"""Weights are recognised by the names and shapes of their tensors. All networks here are skeletons on meta."""

from typing import Any

import pytest
import torch

from edge_runtime.vision.architectures import Candidate, NoArchitectureFits, architecture, build, recognise
from edge_runtime.vision.architectures import recognition as recognition_module
from edge_runtime.vision.spec import ModelSpec


def tensors(name: str, classes: int = 7, side: int = 224) -> dict[str, Any]:
    size = architecture(name).input_sizes.nearest((side, side))
    return dict(build(ModelSpec(name, ("",) * classes, size), "meta").state_dict())


def test_tells_networks_apart_whose_tensors_have_the_same_names() -> None:
    assert tensors("resnet18").keys() == tensors("resnet18_w24").keys()
    for name in ("resnet18", "resnet18_w24"):  # and by their shapes
        assert recognise(tensors(name)) == (Candidate(name, 7, None),)


@pytest.mark.parametrize("name", ["squeezenet1_1", "vgg11", "centernet_resnet18_w24", "yolov3_tiny"])
@pytest.mark.parametrize("classes", [1, 2, 20])
def test_counts_the_classes(name: str, classes: int) -> None:
    assert recognise(tensors(name, classes)) == (Candidate(name, classes, None),)


@pytest.mark.parametrize("side", [32, 96])
def test_reads_the_input_size_where_weights_depend_on_it(side: int) -> None:
    assert recognise(tensors("vit_b_16", 3, side)) == (Candidate("vit_b_16", 3, (side, side)),)


def test_names_all_that_fit_where_networks_have_the_same_tensors() -> None:
    found = recognise(tensors("fasterrcnn_mobilenet_v3_large_fpn"))
    assert [candidate.architecture for candidate in found] == [
        "fasterrcnn_mobilenet_v3_large_320_fpn",
        "fasterrcnn_mobilenet_v3_large_fpn",
    ]


def test_overlooks_missing_batch_counters_and_parts_that_only_training_needs() -> None:
    weights = {name: tensor for name, tensor in tensors("googlenet").items() if "num_batches" not in name}
    weights["aux1.conv.conv.weight"] = torch.empty(128, 512, 1, 1, device="meta")
    assert recognise(weights) == (Candidate("googlenet", 7, None),)


def test_names_the_nearest_and_what_differs_where_the_shapes_do() -> None:
    weights = tensors("resnet18_w24") | {"conv1.weight": torch.empty(24, 1, 7, 7, device="meta")}
    with pytest.raises(NoArchitectureFits) as refused:
        recognise(weights)
    assert "The nearest is resnet18_w24: 99 % of its tensors are alike" in str(refused.value)
    assert "(wrong shape: conv1.weight is 24x1x7x7 instead of 24x3x7x7)" in str(refused.value)


def test_names_the_nearest_and_what_differs_where_the_names_do(monkeypatch: pytest.MonkeyPatch) -> None:
    few = ("resnet18", "resnet18_w24", "alexnet")  # all 96 take ten seconds
    monkeypatch.setattr(recognition_module, "architecture_names", lambda: few)
    weights = tensors("resnet18") | {"neck.weight": torch.empty(8, device="meta")}
    del weights["layer4.1.conv2.weight"]
    with pytest.raises(NoArchitectureFits) as refused:
        recognise(weights)
    assert "nearest is resnet18:" in str(refused.value)
    assert "missing: layer4.1.conv2.weight; unexpected: neck.weight" in str(refused.value)


def test_says_that_the_last_layers_do_not_go_together() -> None:
    weights = tensors("resnet18") | {"fc.bias": torch.empty(5, device="meta")}
    with pytest.raises(NoArchitectureFits, match=r"its last layers, fc\.weight, fc\.bias, have shapes of their own"):
        recognise(weights)


def test_says_that_nothing_is_near(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recognition_module, "architecture_names", lambda: ("resnet18", "alexnet"))
    with pytest.raises(NoArchitectureFits, match="nor is one near"):
        recognise({"encoder.weight": torch.empty(3, 3, device="meta")})
