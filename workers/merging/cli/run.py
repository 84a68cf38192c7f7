"""`run`: one merge run, live, and what came out of it as a table."""

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from edge_runtime.protocol.sizes import format_size
from workers.merging.cli.progress_bar import progress_bar
from workers.merging.cli.session import (
    AUTO,
    CANCELLED,
    Device,
    Seed,
    Threads,
    WorkloadPath,
    cancelled_by_signals,
    errors,
    optional_duration,
    reader_is_gone,
    usable_device,
    use_threads,
)
from workers.merging.events import stream_listener
from workers.merging.matching import Match
from workers.merging.result import Result
from workers.merging.run import RunOptions, merge
from workers.merging.strategies import DEFAULT, strategy_names
from workers.merging.workload import load_workload

MatchOption = Annotated[Match, typer.Option(help="shape also pairs layers that differ in stride or padding only.")]
RepeatsOption = Annotated[
    bool, typer.Option("--repeats", help="Also shares the layers that one model repeats; saves more, harder to hold.")
]
SampleLimit = Annotated[int | None, typer.Option(min=1, help="Ends as --time-limit does, after that many samples.")]


def run(
    workload: WorkloadPath,
    out: Annotated[Path, typer.Option(help="Folder for result.json, events.jsonl and bundle/.")],
    strategy: Annotated[str, typer.Option(help=f"How to search: {', '.join(strategy_names())}.")] = DEFAULT,
    time_limit: Annotated[str | None, typer.Option(help="Such as 5m; what is accepted by then is kept.")] = None,
    sample_limit: SampleLimit = None,
    match: MatchOption = Match.EXACT,
    repeats: RepeatsOption = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where a run into the same folder was ended.")] = False,
    seed: Seed = 1,
    threads: Threads = None,
    device: Device = AUTO,
    rounding: Annotated[str | None, typer.Option(help="float16: measure and ship weights rounded to it.")] = None,
    events: Annotated[str | None, typer.Option(help='"-" writes events to standard output, one JSON per line.')] = None,
) -> None:
    """Merge the models of a workload and write what is accepted."""
    use_threads(threads)
    with errors():
        options = RunOptions(
            strategy=strategy,
            seed=seed,
            time_limit_s=optional_duration(time_limit),
            sample_limit=sample_limit,
            match=match,
            joins_repeats=repeats,
            resume=resume,
            device=usable_device(device),
            rounding=rounding,
        )
        file, is_cancelled = load_workload(workload), cancelled_by_signals()
        if events == "-":
            is_alone = reader_is_gone(sys.stdout)
            result = merge(
                file,
                out,
                options,
                listeners=[stream_listener(sys.stdout)],
                is_cancelled=lambda: is_cancelled() or is_alone(),
            )
        else:
            with progress_bar() as show:
                result = merge(file, out, options, listeners=[partial(show, "")], is_cancelled=is_cancelled)
            _print_result(result)
    if not result.finished:
        raise typer.Exit(CANCELLED)


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
