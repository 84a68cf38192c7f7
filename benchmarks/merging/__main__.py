"""Command line of the comparison.

    make bench-merging [ARGS="--profile small --threads 1 --resume"]
    GEMEL_DATA_DIR=FOLDER make bench-merging     with the recordings; without, with rendered streets

Originals are trained where they are missing and kept in the folder (var/benchmarks/merging-PROFILE unless said
otherwise), with pictures, WORKLOAD.yaml and every strategy's run.
"""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import torch
import yaml
from rich.console import Console

from benchmarks.machine import RESULTS, named, save
from benchmarks.merging.checks import checks
from benchmarks.merging.examples import SPLITS, BenchmarkQuery, write_part
from benchmarks.merging.real import RealQueries
from benchmarks.merging.rendered import rendered_queries
from benchmarks.merging.report import Descriptions, print_report
from workers.merging.cli.session import usable_device
from workers.merging.comparison import Comparison, compare, gathered
from workers.merging.events import Event, EventType
from workers.merging.fit import FitOptions, Fitted, fit
from workers.merging.plot import plot_comparison
from workers.merging.result import read_result
from workers.merging.run import RunOptions
from workers.merging.training import TrainingSettings
from workers.merging.workload import WorkloadFile, load_workload

STRATEGIES = ("optimistic", "gemel", "stem", "maximal")


@dataclass(frozen=True)
class Profile:
    """`at_most`: pictures of a split. `fit_steps` None: as the queries wish. Limits are for each strategy."""

    at_most: int
    fit_steps: int | None
    time_limit_s: float
    sample_limit: int
    training: TrainingSettings


PROFILES = {
    "full": Profile(320, None, 2400.0, 60_000, TrainingSettings(batch=8, passes=10)),
    "small": Profile(100, 80, 90.0, 20_000, TrainingSettings(batch=8, least_steps=100, most_steps=200)),
}


@dataclass(frozen=True)
class Benchmark:
    """What a comparison is of: everything in its results but the comparison itself. `name` is that of the files."""

    name: str
    profile: Profile
    queries: tuple[BenchmarkQuery, ...]
    descriptions: Descriptions
    originals: tuple[Fitted, ...]
    note: str

    def save(self, comparison: Comparison) -> None:
        save(
            self.name,
            {
                "note": self.note,
                "training": msgspec.to_builtins(self.profile.training),
                "queries": [_described(query, self.descriptions) for query in self.queries],
                "originals": [_noted(fitted) for fitted in self.originals],
                "checks": msgspec.to_builtins(checks(comparison)),
                "comparison": msgspec.to_builtins(comparison),
            },
        )


def main() -> None:
    arguments, console = _arguments(), Console()
    torch.set_num_threads(arguments.threads)
    profile = PROFILES[arguments.profile]
    recordings = None if arguments.rendered else os.environ.get("GEMEL_DATA_DIR")
    queries = RealQueries(Path(recordings), profile.at_most).all() if recordings else rendered_queries(profile.at_most)
    device = usable_device(arguments.device)
    name = named(_name(bool(recordings), arguments.profile), device)
    folder = arguments.folder or Path("var/benchmarks") / name
    descriptions = write_workload(queries, folder)
    file = load_workload(folder / "WORKLOAD.yaml")
    originals = _fit(
        file, folder / "originals.json", FitOptions(arguments.seed, profile.fit_steps, device=device), console
    )
    benchmark = Benchmark(name, profile, queries, descriptions, originals, arguments.note)
    options = RunOptions(
        seed=arguments.seed,
        time_limit_s=arguments.time_limit or profile.time_limit_s,
        sample_limit=arguments.sample_limit or profile.sample_limit,
        device=device,
        training=profile.training,
        resume=arguments.resume,
    )
    if arguments.report:
        comparison = _there_already(folder / "runs", arguments.strategies, options)
        benchmark.save(comparison)
    else:
        comparison = compare(
            file, folder / "runs", arguments.strategies, options, observe=_Narrator(console), done=benchmark.save
        )
    plot_comparison(comparison, RESULTS / f"{name}.png")
    print_report(console, queries, descriptions, comparison, checks(comparison))
    console.print(f"Written to {RESULTS / name}.json and .png")


@dataclass(frozen=True)
class _Narrator:
    console: Console

    def __call__(self, strategy: str, event: Event) -> None:
        if event.type not in (EventType.PROGRESS, EventType.EVALUATED):
            saved = event.saved_bytes / max(1, event.bytes_before)
            self.console.print(
                f"{event.seconds:6.0f} s {strategy}: {event.type}, {event.samples_seen} samples, "
                f"{saved:.1%} saved. {event.trying}",
                markup=False,
                highlight=False,
            )


def _name(has_recordings: bool, profile: str) -> str:
    return f"merging{'' if has_recordings else '_rendered'}{'' if profile == 'full' else '_small'}"


def _there_already(runs: Path, strategies: Sequence[str], options: RunOptions) -> Comparison:
    """Of what the runs have on disk, finished or not."""
    paths = {name: runs / name / "result.json" for name in strategies}
    return gathered({name: read_result(path) for name, path in paths.items() if path.exists()}, options)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", choices=PROFILES, default="full")
    parser.add_argument("--strategies", nargs="+", default=list(STRATEGIES))
    parser.add_argument("--rendered", action="store_true", help="rendered streets even where recordings are at hand")
    parser.add_argument("--folder", type=Path, help="keeps pictures, originals and runs")
    parser.add_argument("--resume", action="store_true", help="go on with the runs in the folder")
    parser.add_argument("--report", action="store_true", help="only say what the runs in the folder have reached")
    parser.add_argument("--note", default="", help="kept in the results: the circumstances of these runs")
    parser.add_argument("--time-limit", type=float, help="seconds of each strategy, instead of the profile's")
    parser.add_argument("--sample-limit", type=int, help="of each strategy, instead of the profile's")
    parser.add_argument("--device", default="auto", help="cpu, cuda, or auto: a GPU where there is one")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def write_workload(queries: Sequence[BenchmarkQuery], folder: Path) -> Descriptions:
    """Pictures and WORKLOAD.yaml; pictures that are there already are kept."""
    descriptions = {
        query.name: {
            split: write_part(part, query.classes, folder / "pictures")
            for split, part in zip(SPLITS, query.parts, strict=True)
        }
        for query in queries
    }
    entries = [query.entry() for query in queries]
    (folder / "WORKLOAD.yaml").write_text(yaml.safe_dump({"queries": entries}, sort_keys=False))
    return descriptions


def _fit(file: WorkloadFile, record: Path, options: FitOptions, console: Console) -> tuple[Fitted, ...]:
    """Trains the originals that are missing, and gives what was noted of all, those of earlier runs included."""
    known = (
        msgspec.json.decode(record.read_bytes(), type=tuple[Fitted, ...], dec_hook=lambda kind, value: kind(value))
        if record.exists()
        else ()
    )
    found = {fitted.query: fitted for fitted in known}

    def done(fitted: Fitted) -> None:
        found[fitted.query] = fitted
        record.write_bytes(msgspec.json.encode(tuple(found.values()), enc_hook=str))
        console.print(
            f"{fitted.query}: trained in {fitted.seconds:.0f} s, {fitted.steps} steps; "
            f"validation {fitted.validation_accuracy:.3f}"
        )

    fit(file, options, done=done)
    return tuple(found.values())


def _described(query: BenchmarkQuery, descriptions: Descriptions) -> dict[str, Any]:
    return {
        "name": query.name,
        "camera": query.camera,
        "question": query.question,
        "architecture": query.architecture,
        "input_size": query.input_size,
        "target": query.accuracy_target,
        "splits": msgspec.to_builtins(descriptions[query.name]),
    }


def _noted(fitted: Fitted) -> dict[str, Any]:
    """Without the path of its weights: results are compared across machines."""
    return {name: value for name, value in msgspec.to_builtins(fitted, enc_hook=str).items() if name != "weights"}


if __name__ == "__main__":
    main()
