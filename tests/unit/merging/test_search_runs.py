"""Whole runs of the searches that add step by step, on pico-networks and noise: what is kept, and what it cost."""

import pytest
import torch
from torch import nn

from edge_runtime.protocol.manifest import decode_manifest, distinct_bytes
from workers.merging.history import History, Proposal, Start, Strategy
from workers.merging.merge_run import MergeRun
from workers.merging.options import RunOptions
from workers.merging.progress import Progress
from workers.merging.strategies import strategy
from workers.merging.training import TrainingSettings

QUICK = TrainingSettings(batch=4, least_steps=2, most_steps=2, evaluate_every=1)
ANYTHING, IMPOSSIBLE = 0.0, 2.0


def pico(seed: int) -> nn.Module:
    """Two layers of one kind, and three of kinds of their own; answers depend on the picture."""
    torch.manual_seed(seed)
    network = nn.Sequential(
        *(nn.Conv2d(3, 8, 3, stride=4), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 16, 3, stride=2), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(16 * 3 * 3, 3)),
    )
    for parameter in network.parameters():
        nn.init.kaiming_normal_(parameter) if parameter.dim() > 1 else nn.init.normal_(parameter, std=0.1)
    return network


@pytest.fixture
def merged(make_query, tmp_path):
    def merge(name: str | Strategy, training: TrainingSettings = QUICK, **targets: float):
        chosen = strategy(name) if isinstance(name, str) else name
        queries = [
            make_query(query, target=target, seed=seed, network=pico(seed))
            for seed, (query, target) in enumerate(targets.items())
        ]
        progress = Progress([], clock=lambda: 0.0, time_limit_s=None, is_cancelled=lambda: False)
        result = MergeRun(queries, tmp_path, RunOptions(strategy=chosen.name, training=training), progress).run(chosen)
        manifest = decode_manifest((tmp_path / "bundle" / "manifest.json").read_bytes())
        return result, {model.slot: model for model in manifest.models}

    return merge


def test_gemel_adds_kind_after_kind_until_everything_is_shared(merged):
    result, models = merged("gemel", a=ANYTHING, b=ANYTHING)
    savings = [step.saved_bytes for step in result.steps]
    assert len(savings) == 4
    assert savings == sorted(savings)
    assert result.optimum_fraction == 1.0
    assert distinct_bytes(*(model.tensors for model in models.values())) == result.bytes_after


def test_gemel_keeps_for_the_others_what_one_query_fails_at_without_another_sample(merged):
    result, models = merged("gemel", a=ANYTHING, b=ANYTHING, c=IMPOSSIBLE)
    first, second = result.steps[:2]
    assert (first.accepted, second.accepted) == (False, True)
    assert second.samples_seen == first.samples_seen > 0
    assert [query.merged_group for query in result.queries] == ["a+1", "a+1", None]
    assert models["c"].original_tensors is None


@pytest.mark.parametrize("name", ["gemel", "stem"])
def test_models_that_share_a_layer_ship_one_copy_of_it_after_many_steps(merged, name):
    """Also where the copy was kept first for some, and others joined it or failed to."""
    result, models = merged(name, a=ANYTHING, b=ANYTHING, c=IMPOSSIBLE, d=ANYTHING)
    (group,) = result.merged_groups
    assert [tuple(shared.layers) for shared in group.shared_layers] == [("a", "b", "d")] * 5
    for shared in group.shared_layers:
        digests = {models[query].tensors[f"{names[0]}.weight"].digest for query, names in shared.layers.items()}
        assert len(digests) == 1
    assert distinct_bytes(*(model.tensors for model in models.values())) == result.bytes_after
    assert result.bytes_before - result.bytes_after == sum(shared.saved_bytes for shared in group.shared_layers)


def test_a_failed_step_costs_exactly_the_samples_that_were_trained_on(merged):
    result, _ = merged("gemel", a=IMPOSSIBLE, b=IMPOSSIBLE)
    per_step = 2 * QUICK.batch * QUICK.most_steps
    assert [step.samples_seen for step in result.steps] == [per_step * (n + 1) for n in range(len(result.steps))]
    assert result.bytes_after == result.bytes_before


class Listed:
    """Proposes what it was given, one after the other."""

    name = "listed"
    has_accuracy_targets, keeps_partial_success, accepts_on_the_way, reads_conflict = True, True, False, False

    def __init__(self, *starts: Start) -> None:
        self._starts = starts

    def next_proposal(self, history: History) -> Proposal | None:
        done = len(history.attempts)
        return Proposal(history.maximal, self._starts[done]) if done < len(self._starts) else None


def test_a_step_from_the_accepted_weights_knows_nothing_of_the_failure_before_it(merged):
    rough = TrainingSettings(batch=4, least_steps=10, most_steps=10, evaluate_every=10, peak_rate=0.05)
    once, again, on = (
        merged(Listed(*starts), rough, a=IMPOSSIBLE, b=IMPOSSIBLE)[0].steps[-1].queries
        for starts in ([Start.ACCEPTED], [Start.ACCEPTED] * 2, [Start.ACCEPTED, Start.REACHED])
    )
    assert once == again
    assert once != on
