"""`compare`: several strategies on the same data; a table here, figures as JSON, and a picture where wanted."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from edge_runtime.protocol.sizes import format_size
from workers.merging.cli.progress_bar import progress_bar
from workers.merging.cli.run import MatchOption, RepeatsOption, SampleLimit
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
    require_writable,
    usable_device,
    use_threads,
)
from workers.merging.comparison import REFERENCE, Comparison, StrategyResult, write_comparison
from workers.merging.comparison import compare as compare_strategies
from workers.merging.events import QueryFigures
from workers.merging.matching import Match
from workers.merging.plot import new_figure, plot_comparison
from workers.merging.run import RunOptions
from workers.merging.strategies import strategy_names
from workers.merging.workload import load_workload


def compare(
    workload: WorkloadPath,
    json_file: Annotated[Path, typer.Option("--json", metavar="FILE", help="Written anew after every strategy.")],
    strategies: Annotated[str, typer.Option(help="Names, separated by commas.")] = ",".join(strategy_names()),
    plot: Annotated[Path | None, typer.Option(metavar="FILE.png", help="A picture of the savings.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the runs; by default beside the JSON file.")] = None,
    time_limit: Annotated[str | None, typer.Option(help="Such as 20m, for each strategy.")] = None,
    sample_limit: SampleLimit = None,
    match: MatchOption = Match.EXACT,
    repeats: RepeatsOption = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Skip what is finished, go on where it was cut off.")
    ] = False,
    seed: Seed = 1,
    threads: Threads = None,
    device: Device = AUTO,
) -> None:
    """Run several strategies one after the other on the same data, with the same seed, and compare them."""
    use_threads(threads)
    with errors():
        require_writable(json_file)
        if plot is not None:
            require_writable(plot)
            new_figure(plot)
        options = RunOptions(
            seed=seed,
            time_limit_s=optional_duration(time_limit),
            sample_limit=sample_limit,
            match=match,
            joins_repeats=repeats,
            resume=resume,
            device=usable_device(device),
        )
        names = tuple(name.strip() for name in strategies.split(",") if name.strip())
        is_cancelled = cancelled_by_signals()

        def keep(comparison: Comparison) -> None:
            write_comparison(json_file, comparison)
            if plot is not None:
                plot_comparison(comparison, plot)

        with progress_bar() as show:
            found = compare_strategies(
                load_workload(workload),
                out or json_file.with_name(json_file.stem + "-runs"),
                names,
                options,
                observe=show,
                done=keep,
                is_cancelled=is_cancelled,
            )
    print_comparison(Console(), found)
    if is_cancelled():
        raise typer.Exit(CANCELLED)


def print_comparison(console: Console, comparison: Comparison) -> None:
    table = Table("strategy", "saved", "of optimum", "seconds", "samples", f"samples to {REFERENCE}'s saving", "misses")
    for result in comparison.strategies:
        table.add_row(*_row(result))
    console.print(table)
    accuracies = Table("query", *(result.strategy for result in comparison.strategies), title="Accuracy on test frames")
    for name in dict.fromkeys(query.name for result in comparison.strategies for query in result.queries):
        accuracies.add_row(name, *(_accuracy(result, name) for result in comparison.strategies))
    console.print(accuracies)
    before, optimum = format_size(comparison.bytes_before), format_size(comparison.optimum_bytes)
    console.print(f"{before} before merging; sharing every matching layer would save {optimum}.")
    for result in comparison.strategies:
        if result.error is not None:
            console.print(f"{result.strategy} failed: {result.error}", soft_wrap=True)
        for one in result.violations:
            bounds = f"{one.relative_accuracy:.3f} ({one.lower_bound:.3f} to {one.upper_bound:.3f})"
            console.print(
                f"{result.strategy} misses {one.target:.2f} for {one.query} on {one.split}: {bounds}", soft_wrap=True
            )


def _row(result: StrategyResult) -> tuple[str, ...]:
    if result.error is not None:
        return result.strategy, "failed"
    reached = result.reached
    fraction = f" ({reached.samples_fraction:.2f} of it)" if reached and reached.samples_fraction is not None else ""
    return (
        result.strategy + ("" if result.finished else ", cut off"),
        f"{format_size(result.saved_bytes)}, {result.saved_fraction:.1%}",
        f"{result.optimum_fraction:.1%}",
        f"{result.seconds:.0f}",
        f"{result.samples_seen:,}",
        f"{reached.samples_seen:,}{fraction}" if reached else "never",
        str(len(result.violations)),
    )


def _accuracy(result: StrategyResult, query: str) -> str:
    """Relative accuracy or agreement with its bounds."""
    found: QueryFigures | None = next((one.test for one in result.queries if one.name == query), None)
    if found is None:
        return "original"
    return f"{found.relative_accuracy:.3f} ({found.lower_bound:.3f} to {found.upper_bound:.3f})"
