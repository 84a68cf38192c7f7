"""Published weights come from torch's own cache here: what torchvision would download, written by the test."""

import urllib.request
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from edge_runtime.vision.architectures import build
from edge_runtime.vision.spec import ModelSpec
from edge_runtime.vision.torchvision_ops import torchvision
from workers.merging.originals import load_merged, load_original, starting_network
from workers.merging.workload import WorkloadError, WorkloadFile, parse_workload

NAME = "squeezenet1_1"
IMAGENET = tuple(torchvision.models.get_model_weights(NAME).DEFAULT.meta["categories"])
QUERY = """\
queries:
  - name: a
    task: classification
    model: {{architecture: squeezenet1_1, classes: [{classes}], input_size: [64, 64], {more}}}
    data: {{format: frames, train: frames}}
"""


def query(tmp_path, more, classes="car, bus"):
    workload = parse_workload(QUERY.format(more=more, classes=classes))
    return WorkloadFile(workload, tmp_path), workload.queries[0]


@pytest.fixture
def published(tmp_path, monkeypatch):
    """Where torchvision looks first; nobody answers behind it. Empty until `published()` is called."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(urllib.request, "_opener", None)  # it remembers the proxies of its first use

    def write():
        state = torchvision.models.get_model(NAME, weights=None).state_dict()
        path = tmp_path / "hub" / "checkpoints" / Path(torchvision.models.get_model_weights(NAME).DEFAULT.url).name
        path.parent.mkdir(parents=True)
        torch.save(dict(state), path)
        return state

    return write


def test_takes_published_weights_for_the_classes_that_they_are_of(tmp_path, published):
    state = published()
    classes = ", ".join(f'"{name}"' for name in IMAGENET)
    network = load_original(*query(tmp_path, "weights: DEFAULT", classes))
    assert torch.equal(network.features[0].weight, state["features.0.weight"])
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_asks_to_train_where_published_weights_are_of_other_classes(tmp_path, published):
    published()
    with pytest.raises(WorkloadError, match=r'Query "a": the published weights .* are not for these 2 classes'):
        load_original(*query(tmp_path, "weights: DEFAULT"))


def test_starts_from_published_weights(tmp_path, published):
    state = published()
    start = starting_network(*query(tmp_path, "weights: a.safetensors, init: DEFAULT"))
    assert start.origin == "published weights"
    assert torch.equal(start.network.features[0].weight, state["features.0.weight"])


def test_says_that_published_weights_cannot_be_had(tmp_path, published):
    with pytest.raises(WorkloadError, match=r'Query "a": The published weights .* could not be downloaded'):
        starting_network(*query(tmp_path, "weights: a.safetensors, init: DEFAULT"))


def test_says_how_missing_weights_can_be_made(tmp_path):
    with pytest.raises(WorkloadError, match=r'weights of query "a" .* are missing; .* fit` trains them'):
        load_original(*query(tmp_path, "weights: a.safetensors"))


@pytest.mark.parametrize("use", ["weights", "init"])
def test_refuses_weights_that_are_no_numbers(tmp_path, use):
    state = build(ModelSpec(NAME, ("car", "bus"), (64, 64))).state_dict()
    state["features.0.bias"].fill_(float("inf"))
    save_file(state, tmp_path / "bad.safetensors")
    more = "weights: bad.safetensors" if use == "weights" else "weights: new.safetensors, init: bad.safetensors"
    load = load_original if use == "weights" else starting_network
    with pytest.raises(WorkloadError, match=r'query "a" hold values that are no numbers, in features\.0\.bias'):
        load(*query(tmp_path, more))


def test_reads_the_weights_of_an_earlier_merge_and_names_the_query_where_they_do_not_fit(tmp_path):
    spec = ModelSpec(NAME, ("car", "bus"), (64, 64))
    save_file(build(spec).state_dict(), tmp_path / "earlier.safetensors")
    file, part = query(tmp_path, "weights: own.safetensors, merged: earlier.safetensors")
    assert load_merged(file, part) is not None
    assert load_merged(*query(tmp_path, "weights: own.safetensors")) is None
    other = query(tmp_path, "weights: own.safetensors, merged: earlier.safetensors", classes="car, bus, tram")
    with pytest.raises(WorkloadError, match='"a"'):
        load_merged(*other)
