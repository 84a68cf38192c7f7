import os
import shutil
import urllib.request
from pathlib import Path

import pytest
import torch
from torch import nn

from edge_runtime.vision.architectures import (
    PretrainedUnavailable,
    architecture,
    build,
    has_pretrained_head,
    load_weights,
    pretrained,
)
from edge_runtime.vision.architectures.weights import names_that_depend_on_the_classes
from edge_runtime.vision.spec import ModelSpec
from edge_runtime.vision.torchvision_ops import torchvision

CLASSES = ("car", "bus", "person")
IMAGENET = tuple(map(str, range(1000)))
SQUEEZENET = "squeezenet1_1"


def spec(name=SQUEEZENET, classes=CLASSES, size=(64, 64)):
    return ModelSpec(name, classes, size)


def file_of(name):
    return Path(torchvision.models.get_model_weights(name).DEFAULT.url).name


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of torch's own, and a network where nobody answers."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(urllib.request, "_opener", None)  # it remembers the proxies of its first use
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def publish(cache, name, state):
    torch.save(dict(state), cache / file_of(name))


def test_as_many_classes_as_published_take_everything(cache):
    state = torchvision.models.get_model(SQUEEZENET, weights=None).state_dict()
    publish(cache, SQUEEZENET, state)
    module = pretrained(spec(classes=IMAGENET))
    assert not module.training
    assert all(torch.equal(tensor, state[name]) for name, tensor in module.state_dict().items())
    assert has_pretrained_head(spec(classes=IMAGENET))


def test_other_classes_take_all_but_the_head(cache):
    state = torchvision.models.get_model(SQUEEZENET, weights=None).state_dict()
    publish(cache, SQUEEZENET, state)
    found = pretrained(spec()).state_dict()
    assert {name for name, tensor in found.items() if not torch.equal(tensor, state[name])} == {
        "classifier.1.weight",
        "classifier.1.bias",
    }
    assert found["classifier.1.weight"].shape == (3, 512, 1, 1)
    assert found["classifier.1.weight"].std() > 0
    assert not has_pretrained_head(spec())


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("fasterrcnn_mobilenet_v3_large_320_fpn", "roi_heads.box_predictor."),
        ("fcos_resnet50_fpn", "head.classification_head.cls_logits."),
        ("retinanet_resnet50_fpn", "head.classification_head.cls_logits."),
    ],
)
def test_a_detectors_head_is_what_answers_with_classes(name, head):
    expected = {key for key in build(spec(name), "meta").state_dict() if key.startswith(head)}
    assert set(names_that_depend_on_the_classes(spec(name))) == expected
    assert has_pretrained_head(spec(name, tuple(map(str, range(90)))))
    assert not has_pretrained_head(spec(name, tuple(map(str, range(91)))))


@pytest.mark.parametrize(("size", "patches"), [((224, 224), 7 * 7), ((64, 64), 2 * 2)])
def test_a_transformer_keeps_its_positions_at_another_input_size(size, patches):
    published = build(spec("vit_b_32", IMAGENET, (224, 224)), "meta").state_dict()
    positions = torch.ones(1, 1 + 7 * 7, 768)
    wanted = spec("vit_b_32", CLASSES, size)
    adapted = architecture("vit_b_32").from_published(wanted, {**published, "encoder.pos_embedding": positions})
    assert build(wanted, "meta").encoder.pos_embedding.shape == (1, 1 + patches, 768)
    torch.testing.assert_close(adapted["encoder.pos_embedding"], torch.ones(1, 1 + patches, 768))


@pytest.mark.parametrize("name", ["fasterrcnn_resnet50", "fasterrcnn_resnet101", "fasterrcnn_resnet101_fpn"])
def test_every_layer_of_a_published_classifier_but_its_head_has_a_place_in_the_detector(name):
    backbone = architecture(name).backbone
    expected = build(spec(name), "meta").state_dict()
    for key, tensor in build(spec(backbone.architecture), "meta").state_dict().items():
        there, here = next(place for place in backbone.places if key.startswith(place[0]))
        if not key.startswith("fc."):
            assert expected[here + key.removeprefix(there)].shape == tensor.shape


def test_a_detector_without_published_weights_of_its_own_takes_the_classifiers(cache):
    state = torchvision.models.get_model("resnet50", weights=None).state_dict()
    publish(cache, "resnet50", state)
    detector = pretrained(spec("fasterrcnn_resnet50"))
    assert torch.equal(detector.backbone.layer3[5].conv3.weight, state["layer3.5.conv3.weight"])
    assert torch.equal(detector.roi_heads.box_head.layer4[2].conv3.weight, state["layer4.2.conv3.weight"])
    assert not has_pretrained_head(spec("fasterrcnn_resnet50"))


def test_normalisation_published_without_an_epsilon_answers_the_same():
    frozen = torchvision.ops.FrozenBatchNorm2d(4, eps=0.0)
    for name, low in (("weight", 0.1), ("bias", -1.0), ("running_mean", -1.0), ("running_var", 1e-4)):
        getattr(frozen, name).uniform_(low, 1.0)
    ours = nn.BatchNorm2d(4).eval()
    adapt = architecture("fasterrcnn_resnet50_fpn").from_published
    ours.load_state_dict(adapt(spec(), frozen.state_dict()), strict=False)
    batch = torch.randn(2, 4, 3, 3)
    torch.testing.assert_close(ours(batch), frozen(batch), rtol=1e-3, atol=1e-4)


def test_offline_says_which_file_to_put_where(cache):
    with pytest.raises(PretrainedUnavailable) as caught:
        pretrained(spec())
    message = str(caught.value)
    assert f"put {file_of(SQUEEZENET)} from https://download.pytorch.org" in message
    assert f"into {cache}, or give the path of a safetensors file" in message


@pytest.mark.parametrize("content", [b"", b"no weights", b"PK\x03\x04 cut off"])
def test_a_damaged_file_in_the_cache_is_named(cache, content):
    (cache / file_of(SQUEEZENET)).write_bytes(content)
    with pytest.raises(PretrainedUnavailable, match=f"{file_of(SQUEEZENET)} is damaged"):
        pretrained(spec())


def test_a_file_in_the_cache_runs_no_code(cache, tmp_path):
    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "sprung",))

    torch.save({"features.0.weight": Trap()}, cache / file_of(SQUEEZENET))
    with pytest.raises(PretrainedUnavailable):
        pretrained(spec())
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("name", ["yolov3", "resnet18_w24", "centernet_resnet18_w24"])
def test_what_nobody_published_is_said_so(name):
    with pytest.raises(PretrainedUnavailable, match=f"no published weights of {name}"):
        pretrained(spec(name))


@pytest.mark.real_data
def test_really_published_weights_load(cache):
    if "GEMEL_DATA_DIR" not in os.environ:
        pytest.skip("GEMEL_DATA_DIR is not set")
    given = Path(os.environ["GEMEL_DATA_DIR"]) / "weights" / "squeezenet1_1_imagenet_fp16.pth"
    shutil.copy(given, cache / file_of(SQUEEZENET))
    module, batch = pretrained(spec(classes=IMAGENET)), torch.rand(1, 3, 64, 64)
    reference = load_weights(spec(classes=IMAGENET), torch.load(given, weights_only=True))
    with torch.inference_mode():
        assert torch.equal(module(batch), reference(batch))
        assert module(batch).softmax(dim=1).max() > 0.01
