"""Runs that are killed and taken up again end as if nothing had happened: same weights, same samples, same steps."""

import random

import msgspec
import pytest
import torch
from torch import nn

from edge_runtime.protocol.manifest import decode_manifest
from workers.merging.checkpoint import CheckpointDamaged, CheckpointFolder, CheckpointOfAnotherRun
from workers.merging.disk import DiskFull, disk_usage
from workers.merging.events import EventFile, EventType
from workers.merging.evidence import STEPS
from workers.merging.merge_run import MergeRun
from workers.merging.options import RunOptions
from workers.merging.progress import Progress
from workers.merging.result import read_result
from workers.merging.run_state import decode_state
from workers.merging.strategies import strategy, strategy_names
from workers.merging.training import TrainingSettings

QUICK = TrainingSettings(batch=4, least_steps=5, most_steps=5, evaluate_every=2, peak_rate=0.02)
DIVERGING = TrainingSettings(batch=4, least_steps=3, most_steps=3, evaluate_every=1, peak_rate=1e20)
GOOD, IMPOSSIBLE = 0.5, 1.1
ONE_STEP, EVIDENCE = 4 * 4, 4 * 4 * STEPS  # samples: of four queries, and of what is measured after a training
PROGRESS_IS_CERTAIN_AFTER = 6  # looks at whether to stop: enough to reach the next checkpoint from any


class Killed(BaseException):
    """Passes everything that catches errors, as kill -9 does."""


class Kill:
    """Asked whether to stop, it kills at the given time of asking."""

    def __init__(self, after: int) -> None:
        self.left = after

    def __call__(self) -> bool:
        self.left -= 1
        if self.left < 0:
            raise Killed
        return False


class Ticks:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.01
        return self.now


class Pico(nn.Module):
    """Every kind of state that training has, in a few hundred weights: convolution, normalisation, dropout, head."""

    def __init__(self, width: int, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.stem = nn.Conv2d(3, width, 3, stride=4)
        self.norm = nn.BatchNorm2d(width)
        self.body = nn.Conv2d(width, width, 1)
        self.drop = nn.Dropout(0.3)
        self.head = nn.Linear(width, 3)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        features = self.body(torch.relu(self.norm(self.stem(batch)))).mean(dim=(2, 3))
        out: torch.Tensor = self.head(self.drop(features))
        return out


@pytest.fixture
def queries(make_query):
    """Two that merge after some training, and two that never hold their target."""
    good = [make_query(name, network=Pico(4, seed), target=GOOD) for seed, name in enumerate("ab", 5)]
    bad = [make_query(name, network=Pico(6, seed), target=IMPOSSIBLE) for seed, name in enumerate("cd")]
    return [*good, *bad]


def run(queries, out, options, *, is_cancelled=lambda: False, checkpoint_every_s=0.0, events=None, **values):
    """As `merge`, on queries that are loaded already."""
    out.mkdir(exist_ok=True)
    progress = Progress(
        [] if events is None else [events.append],
        clock=Ticks(),
        time_limit_s=None,
        sample_limit=values.get("sample_limit"),
        is_cancelled=is_cancelled,
        checkpoint_every_s=checkpoint_every_s,
    )
    log = EventFile(out / "events.jsonl", appends=True)
    progress.write_to(log)
    chosen = strategy(options.strategy)
    folder = CheckpointFolder(out / "checkpoint")
    try:
        merging = MergeRun(queries, out, options, progress, values.get("usage", disk_usage))
        if not folder.exists:
            return merging.run(chosen)
        checkpoint = folder.read()
        merging.require_same(checkpoint)
        return merging.resume(chosen, checkpoint)
    finally:
        log.close()


def run_with_kills(queries, out, options, kills, **values):
    """The result, and how often it was killed before."""
    for number, after in enumerate(kills):
        try:
            return run(queries, out, options, is_cancelled=Kill(after), **values), number
        except Killed:
            continue
    return run(queries, out, options, **values), len(kills)


def without_times(result):
    found = msgspec.to_builtins(result)
    for part in (found, *found["steps"], *found["savings"]):
        del part["seconds"]
    return found


def weights(out):
    """Every tensor of every bundle, by digest."""
    paths = sorted((out / "bundles").glob("*/manifest.json"))
    manifests = {path.parent.name: decode_manifest(path.read_bytes()) for path in paths}
    return {number: [(model.slot, model.tensors) for model in found.models] for number, found in manifests.items()}


@pytest.mark.parametrize("name", strategy_names())
def test_ends_as_if_never_killed_when_killed_after_every_step(queries, tmp_path, name):
    options = RunOptions(strategy=name, training=QUICK)
    undisturbed = run(queries, tmp_path / "undisturbed", options)
    kills = [PROGRESS_IS_CERTAIN_AFTER] * 200
    result, killed = run_with_kills(queries, tmp_path / "killed", options, kills)
    assert killed
    assert without_times(result) == without_times(undisturbed)
    assert weights(tmp_path / "killed") == weights(tmp_path / "undisturbed")


@pytest.mark.parametrize("seed", [3])
def test_ends_as_if_never_killed_whenever_it_was_checkpointed_last(queries, tmp_path, seed):
    chance = random.Random(seed)
    options = RunOptions(training=QUICK, rounding="float16")
    undisturbed = run(queries, tmp_path / "undisturbed", options)
    kills = [chance.randint(1, 25) for _ in range(5)]
    result, _ = run_with_kills(queries, tmp_path / "killed", options, kills, checkpoint_every_s=chance.random())
    assert without_times(result) == without_times(undisturbed)
    assert weights(tmp_path / "killed") == weights(tmp_path / "undisturbed")


def test_ends_as_if_never_killed_when_training_diverges(queries, tmp_path):
    options = RunOptions(training=DIVERGING)
    undisturbed = run(queries, tmp_path / "undisturbed", options)
    result, killed = run_with_kills(queries, tmp_path / "killed", options, [PROGRESS_IS_CERTAIN_AFTER] * 50)
    assert killed > 1
    assert without_times(result) == without_times(undisturbed)


def killed_once(queries, out, after=12, **values):
    options = RunOptions(training=QUICK)
    with pytest.raises(Killed):
        run(queries, out, options, is_cancelled=Kill(after), **values)
    return options


def test_counts_samples_and_seconds_from_the_first_start(queries, tmp_path):
    options = killed_once(queries, tmp_path)
    before = decode_state(CheckpointFolder(tmp_path / "checkpoint").read().state).progress
    events = []
    result = run(queries, tmp_path, options, events=events)
    assert events[0].type is EventType.RESUMED
    assert events[0].samples_seen == before.samples_seen > 0
    assert events[0].seconds > before.seconds
    assert all(event.samples_seen >= before.samples_seen for event in events)
    assert result.seconds > before.seconds


def test_goes_on_in_the_same_event_file_behind_the_last_whole_line(queries, tmp_path):
    options = killed_once(queries, tmp_path)
    path = tmp_path / "events.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"type": "progr')
    run(queries, tmp_path, options)
    lines = path.read_bytes().splitlines()
    types = [msgspec.json.decode(line)["type"] for line in lines]
    assert path.read_bytes().startswith(whole)
    assert (types.count("started"), types.count("resumed"), types[-1]) == (1, 1, "finished")
    seconds = [msgspec.json.decode(line)["seconds"] for line in lines]
    assert seconds == sorted(seconds)


def contents(folder):
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_refuses_the_checkpoint_of_another_run_and_changes_nothing(queries, tmp_path, make_query):
    killed_once(queries, tmp_path)
    before = contents(tmp_path)
    with pytest.raises(CheckpointOfAnotherRun, match=r"the seed was 1 and is 2 now\. Start without --resume"):
        run(queries, tmp_path, RunOptions(training=QUICK, seed=2))
    others = [*queries[:3], make_query("d", network=Pico(6, 7), target=IMPOSSIBLE)]
    with pytest.raises(CheckpointOfAnotherRun, match='run: the model of "d" changed'):
        run(others, tmp_path, RunOptions(training=QUICK))
    assert contents(tmp_path) == before


def test_refuses_a_damaged_checkpoint_and_changes_nothing(queries, tmp_path):
    options = killed_once(queries, tmp_path)
    path = next((tmp_path / "checkpoint").glob("training-*"))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    before = contents(tmp_path)
    with pytest.raises(CheckpointDamaged, match="is not what was written"):
        run(queries, tmp_path, options)
    assert contents(tmp_path) == before


def test_keeps_one_checkpoint_beside_the_bundles_and_none_of_its_tensors_when_done(queries, tmp_path):
    options = killed_once(queries, tmp_path)
    names = sorted(path.name.split("-")[0] for path in (tmp_path / "checkpoint").iterdir())
    assert names == ["before", "checkpoint.json", "networks", "random", "training"]
    run(queries, tmp_path, options)
    assert [path.name for path in (tmp_path / "checkpoint").iterdir()] == ["checkpoint.json"]


def test_does_not_run_again_what_has_finished(queries, tmp_path):
    options = RunOptions(training=QUICK)
    first = run(queries, tmp_path, options)
    events = []
    assert run(queries, tmp_path, options, events=events) == first
    assert [event.type for event in events] == [EventType.FINISHED]


def test_a_cancelled_run_goes_on_from_its_very_last_step(queries, tmp_path):
    options = RunOptions(training=QUICK)
    asked = iter([False] * 8)
    stopped = run(queries, tmp_path / "a", options, is_cancelled=lambda: next(asked, True), checkpoint_every_s=1e9)
    assert not stopped.finished
    state = decode_state(CheckpointFolder(tmp_path / "a" / "checkpoint").read().state)
    assert state.progress.samples_seen == stopped.samples_seen > 0
    result = run(queries, tmp_path / "a", options)
    assert without_times(result) == without_times(run(queries, tmp_path / "b", options))


def test_stops_at_the_limit_of_samples_and_goes_on_with_a_larger_one(queries, tmp_path):
    options = RunOptions(training=QUICK)
    first = run(queries, tmp_path, options, sample_limit=40)
    assert 0 < first.samples_seen < 40 + ONE_STEP + EVIDENCE
    assert first.finished
    assert run(queries, tmp_path, options, sample_limit=40) == first
    assert run(queries, tmp_path, options, sample_limit=2000).samples_seen > first.samples_seen


class Free:
    def __init__(self, free: int) -> None:
        self.free = free


def test_refuses_to_start_where_the_disk_is_too_small_and_leaves_the_folder_alone(queries, tmp_path):
    (tmp_path / "result.json").write_bytes(b"of another run")
    with pytest.raises(DiskFull, match=r"free, and .* the checkpoint and bundles\. Nothing was trained yet"):
        run(queries, tmp_path, RunOptions(training=QUICK), usage=lambda path: Free(2**10))
    assert (tmp_path / "result.json").read_bytes() == b"of another run"


def test_keeps_what_was_accepted_when_the_run_fails_later(queries, tmp_path):
    class Broken(Exception):
        pass

    def fail_after_acceptance() -> bool:
        if (tmp_path / "result.json").exists():
            raise Broken
        return False

    with pytest.raises(Broken):
        run(queries, tmp_path, RunOptions(training=QUICK), is_cancelled=fail_after_acceptance)
    result = read_result(tmp_path / "result.json")
    assert not result.finished
    assert [group.queries for group in result.merged_groups] == [("a", "b")]
    models = decode_manifest((tmp_path / "bundle" / "manifest.json").read_bytes()).models
    assert [model.merged_group for model in models] == ["a+1", "a+1", None, None]
    saving = result.savings[-1]
    assert (saving.bundle, saving.saved_bytes) == (1, result.bytes_before - result.bytes_after)
