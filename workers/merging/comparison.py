"""`compare`: several strategies on the same loaded data, with the same seed, on the same machine, one after the other.

Each strategy is a merge run of its own, in a folder of its own. The comparison is written again after each, so that a
kill loses one run at most, and resuming goes on in that one. A strategy that fails is noted and the rest go on.
"""

import logging
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec
import torch

from edge_runtime.bundles.files import write_atomically
from edge_runtime.protocol.errors import GemelError
from workers.merging.events import Event
from workers.merging.queries import load_queries
from workers.merging.result import QueryResult, Result, Saving
from workers.merging.run import RunOptions, merge
from workers.merging.strategies import strategy
from workers.merging.workload import WorkloadError, WorkloadFile

REFERENCE = "gemel"  # the strategy whose saving the others are timed to
FORMAT = 1
_log = logging.getLogger(__name__)


class Violation(msgspec.Struct, frozen=True):
    """A merged query below its target: on validation by the lower bound, which decides, on test by the figure itself.

    `is_certain`: the upper bound is below target, too.
    """

    query: str
    split: str
    relative_accuracy: float
    lower_bound: float
    upper_bound: float
    target: float
    is_certain: bool


class Reached(msgspec.Struct, frozen=True):
    """When a strategy had saved as much as the reference did in the end. Fractions are of what the reference needed."""

    saved_bytes: int
    seconds: float
    samples_seen: int
    seconds_fraction: float | None
    samples_fraction: float | None


class StrategyResult(msgspec.Struct, frozen=True):
    """One strategy's run. `error` is None, or why there are no figures; `reached` is None where it never came so far.

    `savings` grow with every acceptance. `optimum_fraction`: of what `maximal` would save.
    """

    strategy: str
    error: str | None = None
    finished: bool = False
    seconds: float = 0.0
    samples_seen: int = 0
    saved_bytes: int = 0
    saved_fraction: float = 0.0
    optimum_fraction: float = 0.0
    savings: tuple[Saving, ...] = ()
    queries: tuple[QueryResult, ...] = ()
    violations: tuple[Violation, ...] = ()
    reached: Reached | None = None


class Comparison(msgspec.Struct, frozen=True):
    """`optimum_bytes`: what sharing every layer that matches would save."""

    seed: int
    match: str
    time_limit_s: float | None
    sample_limit: int | None
    device: str
    threads: int
    machine: str
    bytes_before: int
    optimum_bytes: int
    strategies: tuple[StrategyResult, ...]
    format: int = FORMAT
    joins_repeats: bool = False


def compare(
    file: WorkloadFile,
    out: Path,
    strategies: Sequence[str],
    options: RunOptions = RunOptions(),
    *,
    observe: Callable[[str, Event], None] = lambda strategy, event: None,
    done: Callable[[Comparison], None] = lambda comparison: None,
    is_cancelled: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
) -> Comparison:
    """Runs every strategy with `options`, each into `out`/NAME; `done` is told after each, and may keep what is there.

    With `options.resume` what is finished is not run again. Cancelled, it ends with the strategy under way.
    Raises GemelError for input that cannot be used, before any strategy runs.
    """
    for name in strategies:
        strategy(name)
    if not strategies:
        raise WorkloadError("No strategy is named; name at least one to compare.")
    if len(set(strategies)) < len(strategies):
        raise WorkloadError("A strategy is named twice; compare each with others only.")
    queries = tuple(load_queries(file, torch.device(options.device)))
    found: dict[str, Result | str] = {}
    for name in strategies:
        mine = replace(options, strategy=name)
        listener = partial(observe, name)
        try:
            found[name] = merge(
                file, out / name, mine, queries=queries, listeners=[listener], is_cancelled=is_cancelled, clock=clock
            )
        except Exception as error:  # noqa: BLE001  # hours of other strategies must not be lost to it
            _log.exception("strategy %s failed", name)
            found[name] = str(error) if isinstance(error, GemelError) else f"{type(error).__name__}: {error}"
        done(gathered(found, options))
        if is_cancelled():
            break
    return gathered(found, options)


def gathered(found: Mapping[str, Result | str], options: RunOptions) -> Comparison:
    """The comparison of results by strategy; a string says why there is none."""
    results = {name: result for name, result in found.items() if isinstance(result, Result)}
    goal = _goal(results)
    return Comparison(
        seed=options.seed,
        match=options.match.value,
        joins_repeats=options.joins_repeats,
        time_limit_s=options.time_limit_s,
        sample_limit=options.sample_limit,
        device=options.device,
        threads=torch.get_num_threads(),
        machine=f"{platform.platform()}, {os.cpu_count()} cores, torch {torch.__version__}",
        bytes_before=max((result.bytes_before for result in results.values()), default=0),
        optimum_bytes=max((_optimum_bytes(result) for result in results.values()), default=0),
        strategies=tuple(
            StrategyResult(name, error=result) if isinstance(result, str) else _strategy_result(name, result, goal)
            for name, result in found.items()
        ),
    )


def _optimum_bytes(result: Result) -> int:
    saved = result.bytes_before - result.bytes_after
    return round(saved / result.optimum_fraction) if result.optimum_fraction else 0


def _strategy_result(name: str, result: Result, goal: Saving | None) -> StrategyResult:
    return StrategyResult(
        strategy=name,
        finished=result.finished,
        seconds=result.seconds,
        samples_seen=result.samples_seen,
        saved_bytes=result.bytes_before - result.bytes_after,
        saved_fraction=result.saved_fraction,
        optimum_fraction=result.optimum_fraction,
        savings=result.savings,
        queries=result.queries,
        violations=tuple(violation for query in result.queries for violation in violations(query)),
        reached=_reached(result, goal),
    )


def violations(query: QueryResult) -> tuple[Violation, ...]:
    found = []
    for split, figures in (("validation", query.validation), ("test", query.test)):
        if figures is None:
            continue
        decides = figures.lower_bound if split == "validation" else figures.relative_accuracy
        if decides < query.target:
            found.append(
                Violation(
                    query.name,
                    split,
                    figures.relative_accuracy,
                    figures.lower_bound,
                    figures.upper_bound,
                    query.target,
                    is_certain=figures.upper_bound < query.target,
                )
            )
    return tuple(found)


def _goal(results: Mapping[str, Result]) -> Saving | None:
    """The reference's last saving, with what it took: what it tried in vain afterwards is not counted against it."""
    reference = results.get(REFERENCE)
    return reference.savings[-1] if reference is not None and reference.savings else None


def _reached(result: Result, goal: Saving | None) -> Reached | None:
    if goal is None:
        return None
    first = next((saving for saving in result.savings if saving.saved_bytes >= goal.saved_bytes), None)
    if first is None:
        return None
    return Reached(
        first.saved_bytes,
        first.seconds,
        first.samples_seen,
        seconds_fraction=first.seconds / goal.seconds if goal.seconds else None,
        samples_fraction=first.samples_seen / goal.samples_seen if goal.samples_seen else None,
    )


def write_comparison(path: Path, comparison: Comparison) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, msgspec.json.format(msgspec.json.encode(comparison), indent=2))


def read_comparison(path: Path) -> Comparison:
    return msgspec.json.decode(path.read_bytes(), type=Comparison)
