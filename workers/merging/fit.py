"""`fit`: trains the originals of a workload's queries that have labelled data but no weights file yet.

Every network is written as soon as it is trained, so that stopping loses one at most and starting again goes on with
the next. A file that is there is never touched.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save

from edge_runtime.bundles.files import write_atomically
from edge_runtime.protocol.errors import GemelError
from edge_runtime.vision.spec import Task
from edge_runtime.vision.tasks import functions_for
from workers.merging.disk import DiskUsage, disk_usage, require_space
from workers.merging.evaluation import original_accuracy, reference, require_useful
from workers.merging.events import Basis
from workers.merging.frames import FrameSet
from workers.merging.original_training import StepTaken, TrainingPlan, train_on_labels
from workers.merging.originals import Start, starting_network
from workers.merging.pictures import Picture
from workers.merging.shipped import snapshot
from workers.merging.sources import load_splits, workload_pictures
from workers.merging.splits import Splits
from workers.merging.training import TrainingDiverged
from workers.merging.workload import MINIMUM, PRETRAINED, QueryPart, WorkloadError, WorkloadFile

BATCH = {Task.CLASSIFICATION: 32, Task.DETECTION: 8}
EPOCHS = {Task.CLASSIFICATION: 20, Task.DETECTION: 40}
LEAST_STEPS = 200  # unless said otherwise: a few hundred frames are few steps per epoch
RATE_FROM_RANDOM, RATE_FROM_START = 2e-3, 5e-4


class FitError(GemelError):
    """A network came out useless or its training diverged; the message names the query."""

    code = "fit"


@dataclass(frozen=True)
class FitOptions:
    """`steps` or `epochs` overrule what the workload says. `time_limit_s` is for all queries together."""

    seed: int = 1
    steps: int | None = None
    epochs: int | None = None
    time_limit_s: float | None = None
    device: str = "cpu"


@dataclass(frozen=True)
class Fitted:
    """One trained original. Accuracies are against labels; None where a split has too few. `origin`: see Start."""

    query: str
    weights: Path
    steps: int
    seconds: float
    train_frames: int
    validation_accuracy: float
    test_accuracy: float | None
    origin: str = "random weights"


class _Cancelled(Exception):
    """Unwinds a training that nobody wants any more."""


def fit(
    file: WorkloadFile,
    options: FitOptions = FitOptions(),
    *,
    observe: Callable[[str, StepTaken], None] = lambda query, step: None,
    done: Callable[[Fitted], None] = lambda fitted: None,
    is_cancelled: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
    usage: DiskUsage = disk_usage,
) -> tuple[Fitted, ...]:
    """Trains what is missing, in the workload's order; fewer when cancelled. `done` is told of each written file.

    Everything that can be checked is checked for all queries before the first is trained. Raises WorkloadError for
    input that cannot be used, DiskFull, and at the end FitError where a network was not worth writing.
    """

    def watch(query: str, step: StepTaken) -> None:
        if is_cancelled():
            raise _Cancelled
        observe(query, step)

    jobs, started_at = _jobs(file, options), clock()
    _require_room(jobs, usage)
    found: list[Fitted] = []
    failed: list[str] = []
    for number, job in enumerate(jobs):
        left_s = None
        if options.time_limit_s is not None:
            left_s = max(0.0, options.time_limit_s - (clock() - started_at)) / (len(jobs) - number)
        try:
            found.append(_train(job, replace(job.plan, time_limit_s=left_s), options, watch, clock))
        except _Cancelled:
            break
        except FitError as error:
            failed.append(str(error))
        else:
            done(found[-1])
    if failed:
        raise FitError(" ".join(failed))
    return tuple(found)


@dataclass(frozen=True)
class _Job:
    part: QueryPart
    weights: Path
    start: Start
    frames: Splits[FrameSet]
    plan: TrainingPlan
    seed: int


def missing_originals(file: WorkloadFile) -> tuple[QueryPart, ...]:
    """Queries whose weights file is missing; of several that name the same file, the first."""
    found: dict[Path, QueryPart] = {}
    for part in file.workload.queries:
        path = file.path(part.model.weights)
        if part.model.weights != PRETRAINED and not path.exists():
            found.setdefault(path, part)
    return tuple(found.values())


def _jobs(file: WorkloadFile, options: FitOptions) -> tuple[_Job, ...]:
    parts = missing_originals(file)
    pictures = workload_pictures(file, parts)
    for part in parts:
        _require_labels(part, pictures[part.name])
    for part in parts:
        _make_folder(part.name, file.path(part.model.weights))
    jobs = []
    for part in parts:
        seed = _seed(options.seed, file.workload.queries.index(part))
        torch.manual_seed(seed)
        start, frames = starting_network(file, part), load_splits(part, pictures.pop(part.name))
        jobs.append(_Job(part, file.path(part.model.weights), start, frames, _plan(part, frames.train, options), seed))
    return tuple(jobs)


def _require_room(jobs: Sequence[_Job], usage: DiskUsage) -> None:
    wanted: Counter[Path] = Counter()
    for job in jobs:
        tensors = job.start.network.state_dict().values()
        wanted[job.weights.parent] += sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    for folder, size in wanted.items():
        require_space(folder, size, "the originals that are to be trained", usage)


def _seed(seed: int, query: int) -> int:
    """Two queries of one architecture must not start from the same random weights: their merge would be too easy."""
    return int(np.random.SeedSequence([seed, query]).generate_state(1)[0])


def _require_labels(part: QueryPart, pictures: Splits[tuple[Picture, ...]]) -> None:
    """As many labelled frames as a merge needs frames at all. Without labels there is nothing to learn from."""
    truth_of, spec = functions_for(part.model.spec).truth_of, part.model.spec
    for split, wanted in (("train", MINIMUM.train), ("validation", MINIMUM.validation)):
        labels = [picture.label for picture in getattr(pictures, split)]
        labelled = sum(truth_of(label.objects, label.tags, spec) is not None for label in labels)
        if labelled < wanted:
            raise WorkloadError(
                f'Query "{part.name}" has {labelled} labelled {split} frames, too few to train its original '
                f"({wanted} are needed): label its data, or give the weights of a trained original."
            )


def _plan(part: QueryPart, train: FrameSet, options: FitOptions) -> TrainingPlan:
    """The options come first, then the query's own wishes, then what suits the task."""
    wishes, batch = part.fit, part.fit.batch or BATCH[part.task]
    steps, epochs = options.steps, options.epochs
    if steps is None and epochs is None:
        steps, epochs = wishes.steps, wishes.epochs
    if steps is None:
        labelled = sum(truth is not None for truth in train.truths)
        steps = math.ceil((epochs or EPOCHS[part.task]) * labelled / batch)
        steps = steps if epochs is not None else max(LEAST_STEPS, steps)
    rate = wishes.peak_rate or (RATE_FROM_RANDOM if part.model.init is None else RATE_FROM_START)
    return TrainingPlan(steps, batch, rate, is_mirrored=wishes.mirror)


def _train(
    job: _Job,
    plan: TrainingPlan,
    options: FitOptions,
    observe: Callable[[str, StepTaken], None],
    clock: Callable[[], float],
) -> Fitted:
    device, started_at, name = torch.device(options.device), clock(), job.part.name
    network, frames = job.start.network, job.frames
    torch.manual_seed(job.seed)  # dropout and the sampling of proposals
    try:
        steps = train_on_labels(
            network,
            frames.train,
            frames.validation,
            plan,
            seed=job.seed,
            device=device,
            observe=lambda step: observe(name, step),
            clock=clock,
        )
    except TrainingDiverged as error:
        raise FitError(
            f'Training the original of query "{name}" diverged; nothing was written for it: give it a lower '
            f'"peak_rate" than {plan.peak_rate:g} under "fit".'
        ) from error
    validation, test = (reference(network, split, device) for split in (frames.validation, frames.test))
    try:
        require_useful(name, job.part.task, validation)
    except WorkloadError as error:
        raise FitError(
            f'The original of query "{name}" is right on {original_accuracy(validation):.0%} of its validation data '
            f"after {steps} steps, no better than chance; nothing was written for it: give it more steps, more data "
            "or something to start from (init)."
        ) from error
    _write(name, job.weights, network)
    return Fitted(
        query=name,
        weights=job.weights,
        steps=steps,
        seconds=round(clock() - started_at, 1),
        train_frames=len(frames.train),
        validation_accuracy=original_accuracy(validation),
        test_accuracy=original_accuracy(test) if test.basis is Basis.RELATIVE_ACCURACY else None,
        origin=job.start.origin,
    )


def _make_folder(query: str, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FitError(
            f'The weights of query "{query}" cannot be written to {path} ({error.strerror}); nothing was trained.'
        ) from error


def _write(query: str, path: Path, network: torch.nn.Module) -> None:
    state = {name: tensor.contiguous() for name, tensor in snapshot(network).items()}
    try:
        write_atomically(path, save(state))
    except OSError as error:
        raise FitError(
            f'The weights of query "{query}" cannot be written to {path} ({error.strerror}): its training is lost, '
            "what was written before it is kept."
        ) from error
