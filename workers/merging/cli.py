"""The command line of the merging core: `python -m workers.merging inspect|run`. Prints; everything else is the core's.

Exit codes: 0 finished, 2 input that cannot be used (one sentence on standard error), 130 cancelled.
"""

import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import msgspec
import torch
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.sizes import format_size
from workers.merging.events import Event, Listener, QueryFigures, stream_listener
from workers.merging.inspection import WorkloadReport, inspect_workload
from workers.merging.queries import load_original
from workers.merging.result import Result
from workers.merging.run import RunOptions, merge
from workers.merging.strategies import DEFAULT
from workers.merging.workload import load_workload

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smh]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}
CANCELLED = 130
UNUSABLE = 2

WorkloadPath = Annotated[Path, typer.Argument(metavar="WORKLOAD.yaml", show_default=False)]


class DurationError(GemelError):
    code = "duration"


def parse_duration(text: str) -> float:
    """Seconds in "90", "90s", "5m" or "1.5h"."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or float(match[1]) == 0:
        raise DurationError(f'"{text}" is no duration. Write a number and s, m or h, such as 5m.')
    return float(match[1]) * _SECONDS[match[2]]


@app.command()
def run(
    workload: WorkloadPath,
    out: Annotated[Path, typer.Option(help="Folder for result.json, events.jsonl and bundle/.")],
    strategy: Annotated[str, typer.Option(help="How to search: optimistic or maximal.")] = DEFAULT,
    time_limit: Annotated[str | None, typer.Option(help="Such as 5m; what is accepted by then is kept.")] = None,
    seed: Annotated[int, typer.Option(help="Equal seeds give equal results on a CPU.")] = 1,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads; all cores by default.")] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    rounding: Annotated[str | None, typer.Option(help="float16: measure and ship weights rounded to it.")] = None,
    events: Annotated[str | None, typer.Option(help='"-" writes events to standard output, one JSON per line.')] = None,
) -> None:
    """Merge the models of a workload and write what is accepted."""
    if threads is not None:
        torch.set_num_threads(threads)
    with _errors():
        limit = parse_duration(time_limit) if time_limit is not None else None
        options = RunOptions(strategy=strategy, seed=seed, time_limit_s=limit, device=device, rounding=rounding)
        is_cancelled = _cancelled_by_signals()
        if events == "-":
            result = merge(
                load_workload(workload),
                out,
                options,
                listeners=[stream_listener(sys.stdout)],
                is_cancelled=is_cancelled,
            )
        else:
            with _progress_bar() as listener:
                result = merge(load_workload(workload), out, options, listeners=[listener], is_cancelled=is_cancelled)
            _print_result(result)
    if not result.finished:
        raise typer.Exit(CANCELLED)


@app.command()
def inspect(
    workload: WorkloadPath,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON on standard output.")] = False,
) -> None:
    """Say what merging could save, without training."""
    with _errors():
        file = load_workload(workload)
        parts = file.workload.queries
        networks = {part.name: load_original(file, part) for part in parts}
        report = inspect_workload(networks, {part.name: part.model.architecture for part in parts})
    if as_json:
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
    else:
        _print_report(report)


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except GemelError as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(UNUSABLE) from error


def _cancelled_by_signals() -> Callable[[], bool]:
    """Whether SIGTERM or SIGINT came; a second one ends the process at once."""
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        received.append(number)
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, note)
    return lambda: bool(received)


@contextmanager
def _progress_bar() -> Iterator[Listener]:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[figures]}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("Starting", total=None, figures="")

        def show(event: Event) -> None:
            saved = event.saved_bytes / event.bytes_before if event.bytes_before else 0.0
            accuracies = " ".join(_short(figures) for figures in event.queries)
            bar.update(
                task,
                description=event.trying,
                total=event.steps_planned or None,
                completed=event.step,
                figures=f"{saved:.0%} saved {accuracies}",
            )

        yield show


def _short(figures: QueryFigures) -> str:
    colour = "green" if figures.target_met else "yellow"
    return f"[{colour}]{figures.name} {figures.relative_accuracy:.3f}[/{colour}]"


def _print_result(result: Result) -> None:
    console = Console()
    table = Table("query", "merged with", "target", "validation (lower bound)", "test (bounds)", "basis")
    for query in result.queries:
        validation, test = query.validation, query.test
        table.add_row(
            query.name,
            query.merged_group or "keeps its original",
            f"{query.target:.2f}",
            f"{validation.relative_accuracy:.3f} ({validation.lower_bound:.3f})" if validation else "",
            f"{test.relative_accuracy:.3f} ({test.lower_bound:.3f} to {test.upper_bound:.3f})" if test else "",
            validation.basis.value if validation else "",
        )
    console.print(table)
    before, after = format_size(result.bytes_before), format_size(result.bytes_after)
    console.print(f"{before} before, {after} after: {result.saved_fraction:.1%} saved in {result.seconds:.0f} s.")


def _print_report(report: WorkloadReport) -> None:
    console = Console()
    models = Table("query", "architecture", "size", "layers", "in the heaviest 15 %")
    for model in report.models:
        heavy = f"{model.heaviest_fraction:.0%}"
        models.add_row(model.query, model.architecture, format_size(model.bytes), str(model.layers), heavy)
    console.print(models)
    pairs = Table("pair", "could save", "of the pair")
    for pair in report.pairs:
        pairs.add_row(" + ".join(pair.queries), format_size(pair.saved_bytes), f"{pair.saved_fraction:.0%}")
    console.print(pairs)
    total, optimum = format_size(report.bytes), format_size(report.optimum_bytes)
    console.print(
        f"{total} in all; sharing every identical layer would save {optimum} ({report.optimum_fraction:.0%})."
    )
