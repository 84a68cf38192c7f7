"""One cell of the table: a memory setting and a way to serve, really executed or foretold."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from benchmarks.edge.street import Answers, Filmed, OnDisk, workload
from edge_runtime.protocol.target import QueryTarget
from edge_runtime.scheduling.measured import MeasuredBundle
from edge_runtime.scheduling.simulation import simulate
from edge_runtime.scheduling.words import Profiles
from edge_runtime.serving.engine import Result
from edge_runtime.serving.executor import Executor
from edge_runtime.serving.profiling import MeasuredFolder
from edge_runtime.vision.spec import Frame


@dataclass(frozen=True)
class Way:
    name: str
    merged: bool
    policy: str


WAYS = (
    Way("unmerged, time-sharing", merged=False, policy="time-sharing"),
    Way("unmerged, space-sharing", merged=False, policy="space-sharing"),
    Way("merged, time-sharing", merged=True, policy="time-sharing"),
    Way("merged, merge-aware", merged=True, policy="merge-aware"),
    Way("merged, layerwise", merged=True, policy="layerwise"),
)
BASELINE = WAYS[0]


@dataclass(frozen=True)
class Setting:
    name: str
    budget_bytes: int


@dataclass(frozen=True)
class Playing:
    """What is played: frames captured in the first `warm_up_s` are not counted."""

    queries: Sequence[QueryTarget]
    frames: Sequence[Filmed]
    warm_up_s: float
    seconds: float

    @property
    def first(self) -> int:
        """Number of the first counted frame, the same for all queries."""
        return round(self.warm_up_s * self.queries[0].rate_fps)


class Cell(msgspec.Struct, frozen=True):
    """`in_time`; `stalled` and `running` of the time: fractions. `accuracy` end to end against the truth, None where it
    is not known. What is neither running nor stalled is the runtime's own work, and waiting for frames.
    """

    in_time: float
    accuracy: float | None
    swap_bytes_per_s: float
    stalled: float
    running: float = 0.0
    visits_per_s: float = 0.0


def executed(
    way: Way, setting: Setting, on_disk: OnDisk, playing: Playing, answers: Answers | None, executing: "Executing"
) -> Cell:
    answered: dict[str, set[int]] = {query.query: set() for query in playing.queries}

    def note(result: Result) -> None:
        answered[result.query].add(result.frame.index)

    executor = executing.executor(way, setting, note)
    try:
        executor.activate(executor.prepare(on_disk.manifest, playing.queries, on_disk.tensor))
        if problems := executor.problems():
            raise SystemExit(f"{setting.name}, {way.name}: {next(iter(problems.values()))}")  # nothing to measure
        seconds, copied_bytes, stalled_s, visits, running_s = _play(executor, playing)
    finally:
        executor.stop()
    counted = sum(query.slot in frame.truths for frame in _counted(playing) for query in playing.queries)
    in_time = sum(number >= playing.first for numbers in answered.values() for number in numbers)
    return Cell(
        in_time=in_time / counted,
        accuracy=answers.accuracy(answered, playing.first) if answers else None,
        swap_bytes_per_s=copied_bytes / seconds,
        stalled=stalled_s / seconds,
        running=running_s / seconds,
        visits_per_s=visits / seconds,
    )


@dataclass(frozen=True)
class Executing:
    measured: MeasuredFolder
    overhead_bytes: int
    bytes_per_s: float | None
    threads: int
    device: str

    def executor(self, way: Way, setting: Setting, on_result: Callable[[Result], None]) -> Executor:
        return Executor(
            device=self.device,
            budget_bytes=setting.budget_bytes,
            overhead_bytes=self.overhead_bytes,
            policy=way.policy,
            swap_bandwidth=self.bytes_per_s,
            threads=self.threads,
            measured=self.measured,
            on_result=on_result,
        )


def _counted(playing: Playing) -> list[Filmed]:
    return [frame for frame in playing.frames if frame.number >= playing.first]


def _play(executor: Executor, playing: Playing) -> tuple[float, ...]:
    """Offers the film in real time and waits for its last answers.

    From the first frame that counts to the last one: seconds, bytes and seconds of swapping, runs, seconds of running.
    """
    started_at = time.monotonic()
    before: tuple[float, ...] | None = None
    for frame in playing.frames:
        time.sleep(max(started_at + frame.at - time.monotonic(), 0))
        if before is None and frame.number >= playing.first:
            before = _figures(executor)
        executor.offer(Frame(frame.camera, frame.number, frame.image, started_at + frame.at, frame.at))
    after = _figures(executor)
    time.sleep(max(query.deadline_ms for query in playing.queries) / 1000)
    return tuple(end - start for end, start in zip(after, before or after, strict=True))


def _figures(executor: Executor) -> tuple[float, ...]:
    return time.monotonic(), *executor.swapped(), *executor.busy()


def foretold(
    way: Way,
    setting: Setting,
    measured: MeasuredBundle,
    playing: Playing,
    answers: Answers | None,
    bytes_per_s: float | None = None,
) -> Cell:
    """`answers`: None where the profile is not of the models that the film was shown to."""
    budget = measured.budget(setting.budget_bytes, bytes_per_s)
    profiles: Profiles = measured.profiles()
    asked = workload(playing.queries)
    outcome = simulate(asked, profiles, budget, way.policy, seconds=playing.seconds, warm_up_s=playing.warm_up_s)
    answered = {query.query: set(query.answered) for query in outcome.queries}
    return Cell(
        in_time=outcome.processed_fraction,
        accuracy=answers.accuracy(answered, playing.first) if answers else None,
        swap_bytes_per_s=outcome.swap_bytes / outcome.seconds,
        stalled=outcome.stalled_s / outcome.seconds,
        running=outcome.running_s / outcome.seconds,
        visits_per_s=outcome.visits / outcome.seconds,
    )


def median(cells: Sequence[Cell]) -> Cell:
    """Of repeated runs, figure by figure."""
    accuracies = [cell.accuracy for cell in cells if cell.accuracy is not None]
    return Cell(
        in_time=statistics.median(cell.in_time for cell in cells),
        accuracy=statistics.median(accuracies) if accuracies else None,
        swap_bytes_per_s=statistics.median(cell.swap_bytes_per_s for cell in cells),
        stalled=statistics.median(cell.stalled for cell in cells),
        running=statistics.median(cell.running for cell in cells),
        visits_per_s=statistics.median(cell.visits_per_s for cell in cells),
    )
