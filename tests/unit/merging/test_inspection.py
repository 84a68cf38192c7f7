from itertools import combinations

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from edge_runtime.vision.architectures import build
from tests.unit.merging.conftest import query_part
from workers.merging.inspection import HEAVIEST_SHARE, inspect_file, inspect_workload, inspected
from workers.merging.matching import Match
from workers.merging.memory import model_entries, workload_bytes
from workers.merging.workload import Workload, WorkloadFile


def network(seed: int, *, stride: int = 1, classes: int = 3) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=stride), nn.BatchNorm2d(8), nn.Conv2d(8, 8, 3), nn.Linear(8, classes)
    )


@pytest.fixture
def networks() -> dict[str, nn.Module]:
    """a and b are alike, c has another stride, d another last layer, twin holds the weights of a."""
    return {
        "a": network(1),
        "b": network(2),
        "c": network(3, stride=2),
        "d": network(4, classes=5),
        "twin": network(1),
    }


def report(networks: dict[str, nn.Module], match: Match = Match.EXACT):
    return inspect_workload({name: inspected("pico", network) for name, network in networks.items()}, match)


def bytes_of(*networks: nn.Module) -> int:
    return workload_bytes({str(number): model_entries(one.state_dict()) for number, one in enumerate(networks)})


@pytest.mark.parametrize("match", list(Match))
def test_every_pair_is_what_the_two_alone_would_save(networks, match):
    found = {pair.queries: pair for pair in report(networks, match).pairs}
    for first, second in combinations(networks, 2):
        alone = report({name: networks[name] for name in (first, second)}, match)
        pair = found.get((first, second))
        assert (pair.saved_bytes if pair else 0) == alone.optimum_bytes
        if pair:
            assert pair.saved_fraction == pytest.approx(alone.optimum_fraction)
            assert alone.bytes == bytes_of(networks[first], networks[second])


def test_weights_that_two_queries_use_already_save_nothing(networks):
    assert ("a", "twin") not in {pair.queries for pair in report(networks).pairs}
    assert report(networks).bytes == report({n: networks[n] for n in "abcd"}).bytes


def test_the_optimum_counts_every_copy_once_and_not_once_per_pair(networks):
    """Three alike models need one copy in the place of three: two are saved, though there are three pairs."""
    three = {"a": networks["a"], "b": networks["b"], "e": network(5)}
    found = report(three)
    shared = found.models[0].bytes - bytes_of(nn.BatchNorm2d(8))
    assert [pair.saved_bytes for pair in found.pairs] == [shared] * 3
    assert found.optimum_bytes == 2 * shared


def test_layers_that_differ_in_stride_are_counted_when_matching_by_shape(networks):
    two = {name: networks[name] for name in "ac"}
    first_layer = (8 * 3 * 3 * 3 + 8) * 4
    assert report(two, Match.SHAPE).optimum_bytes - report(two).optimum_bytes == first_layer


def test_says_how_much_of_a_model_its_heaviest_layers_hold(networks):
    (model,) = report({"a": networks["a"]}).models
    heaviest = (8 * 8 * 3 * 3 + 8) * 4
    assert round(HEAVIEST_SHARE * 3) == 0, "one layer at least"
    assert (model.bytes, model.layers) == (bytes_of(networks["a"]), 3)
    assert model.heaviest_fraction == pytest.approx(heaviest / model.bytes)


def test_two_queries_with_one_weights_file_are_one_model_already_and_need_no_data(tmp_path):
    part = query_part("a", "resnet18_w24", 0.95)
    save_file(build(part.model.spec).state_dict(), tmp_path / part.model.weights)
    found = inspect_file(WorkloadFile(Workload((part, query_part("b", "resnet18_w24", 0.95))), tmp_path))
    assert [model.query for model in found.models] == ["a", "b"]
    assert found.bytes == found.models[0].bytes == found.models[1].bytes
    assert found.optimum_bytes == 0
