"""Whole runs on noise pictures, where an untrained network agrees with itself: quick, and every rule is exercised."""

import copy
from dataclasses import replace

import msgspec
import pytest
import torch

from edge_runtime.bundles.tensors import blob_bytes, tensor_from_blob
from edge_runtime.protocol.manifest import decode_manifest, distinct_bytes, sha256_hex
from workers.merging.disagreements import read_disagreements
from workers.merging.events import EventType, decode_event
from workers.merging.merge_run import MergeRun
from workers.merging.options import RunOptions
from workers.merging.progress import Progress
from workers.merging.result import read_result
from workers.merging.strategies import strategy
from workers.merging.training import TrainingSettings

QUICK = TrainingSettings(batch=4, least_steps=2, most_steps=2, evaluate_every=1)
NEARLY_NOTHING, IMPOSSIBLE = 1e-9, 1.0


class Ticks:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.01
        return self.now


def run(queries, out, *, name="optimistic", is_cancelled=lambda: False, **options):
    out.mkdir(exist_ok=True)
    events = []
    progress = Progress([events.append], clock=Ticks(), time_limit_s=None, is_cancelled=is_cancelled)
    options = RunOptions(strategy=name, training=QUICK, **options)
    result = MergeRun(queries, out, options, progress).run(strategy(name))
    return result, events


def bundle(out):
    manifest = decode_manifest((out / "bundle" / "manifest.json").read_bytes())
    return {model.slot: model for model in manifest.models}


def test_accepts_without_training_when_targets_hold_already(make_query, tmp_path):
    queries = [make_query(name, architecture="squeezenet1_1", seed=1) for name in "ab"]
    with torch.no_grad():
        queries[1].original.features[0].weight.add_(1e-6)
    result, events = run(queries, tmp_path)
    assert result.samples_seen == 0
    assert [event.type for event in events if event.type is EventType.ACCEPTED] == ["accepted"]
    assert result.merged_groups[0].queries == ("a", "b")
    assert [(found.query, found.frames) for found in read_disagreements(tmp_path)] == [("a", 16), ("b", 16)]


@pytest.mark.parametrize("name", ["optimistic", "gemel"])
def test_starts_from_the_weights_of_an_earlier_merge_and_judges_against_the_originals(make_query, tmp_path, name):
    """Nearly the originals, so that targets hold at once and what is accepted are the very weights of the start."""
    queries = [make_query(query, architecture="squeezenet1_1", seed=1) for query in "ab"]
    earlier = copy.deepcopy(queries[0].original)
    with torch.no_grad():
        queries[1].original.features[0].weight.add_(1e-6)
        earlier.features[0].weight.add_(1e-5)
    result, _ = run([replace(query, start=earlier) for query in queries], tmp_path, name=name)
    assert result.samples_seen == 0
    digest = sha256_hex(blob_bytes(earlier.features[0].weight))
    for model in bundle(tmp_path).values():
        assert model.tensors["features.0.weight"].digest == digest
        assert model.original_tensors["features.0.weight"].digest != digest


def test_writes_the_same_bytes_of_a_shared_layer_for_every_query(make_query, tmp_path):
    queries = [make_query(name, seed=seed, target=NEARLY_NOTHING) for seed, name in enumerate("abc")]
    result, _ = run(queries, tmp_path, name="maximal")
    models = bundle(tmp_path)
    for layers in (shared.layers for shared in result.merged_groups[0].shared_layers):
        names = {query: f"{places[0]}.weight" for query, places in layers.items()}
        assert len({models[query].tensors[name].digest for query, name in names.items()}) == 1
    assert distinct_bytes(*(model.tensors for model in models.values())) == result.bytes_after
    assert distinct_bytes(*(model.original_tensors for model in models.values())) == result.bytes_before
    assert result.optimum_fraction == 1.0
    for path in (tmp_path / "bundle" / "blobs").iterdir():
        assert sha256_hex(path.read_bytes()) == path.name


def test_ships_one_copy_of_the_layers_that_a_model_repeats_when_asked_to(make_query, tmp_path):
    queries = [make_query(name, seed=seed, target=NEARLY_NOTHING) for seed, name in enumerate("ab")]
    apart, _ = run(queries, tmp_path / "apart", name="maximal")
    joined, _ = run(queries, tmp_path / "joined", name="maximal", joins_repeats=True)
    assert (apart.joins_repeats, joined.joins_repeats) == (False, True)
    assert joined.saved_fraction > 0.7 > 0.5 > apart.saved_fraction
    models = bundle(tmp_path / "joined")
    repeated = [f"layer4.{block}.conv2.weight" for block in (0, 1)]
    assert len({models[query].tensors[name].digest for query in "ab" for name in repeated}) == 1
    assert distinct_bytes(*(model.tensors for model in models.values())) == joined.bytes_after


def test_keeps_originals_of_a_group_that_fails_and_weights_of_one_that_holds(make_query, tmp_path):
    good = [make_query(name, seed=seed, architecture="squeezenet1_1") for seed, name in enumerate("ab")]
    bad = [make_query(name, seed=seed, target=IMPOSSIBLE) for seed, name in enumerate("cd")]
    result, events = run([*good, *bad], tmp_path)
    models = bundle(tmp_path)
    assert [query.merged_group for query in result.queries] == ["a+1", "a+1", None, None]
    assert models["c"].original_tensors is None
    assert models["a"].original_tensors is not None
    assert EventType.REJECTED in [event.type for event in events]
    assert events[-1].type is EventType.FINISHED
    savings = [step.saved_bytes for step in result.steps]
    assert savings == sorted(savings, reverse=True)


def test_ends_at_once_without_identical_layers(make_query, tmp_path):
    queries = [make_query("a"), make_query("b", architecture="squeezenet1_1")]
    result, events = run(queries, tmp_path)
    assert (result.saved_fraction, result.merged_groups, result.finished) == (0.0, (), True)
    assert "nothing to merge" in events[0].trying


def test_says_that_it_was_cancelled_and_keeps_what_was_accepted(make_query, tmp_path):
    queries = [make_query(name, seed=seed, target=IMPOSSIBLE) for seed, name in enumerate("ab")]
    asked = iter([False] * 3)
    result, events = run(queries, tmp_path, is_cancelled=lambda: next(asked, True))
    assert events[-1].type is EventType.CANCELLED
    assert not result.finished
    assert read_result(tmp_path / "result.json") == result


def test_ships_weights_that_half_precision_holds_exactly_when_asked_to(make_query, tmp_path):
    queries = [make_query(name, seed=seed, target=NEARLY_NOTHING) for seed, name in enumerate("ab")]
    run(queries, tmp_path, name="maximal", rounding="float16")
    entry = bundle(tmp_path)["a"].tensors["layer1.0.conv1.weight"]
    tensor = tensor_from_blob(entry, (tmp_path / "bundle" / "blobs" / entry.digest).read_bytes())
    assert blob_bytes(tensor.half().float()) == blob_bytes(tensor)


def test_writes_events_that_can_be_read_again(make_query, tmp_path):
    queries = [make_query(name, seed=seed, target=NEARLY_NOTHING) for seed, name in enumerate("ab")]
    _, events = run(queries, tmp_path, name="maximal")
    assert [decode_event(msgspec.json.encode(event)) for event in events] == events
    assert {event.bytes_before for event in events} == {events[0].bytes_before}
    assert all(event.saved_bytes == event.bytes_before - event.bytes_after for event in events)
