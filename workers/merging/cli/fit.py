"""`fit`: trains the originals that have no weights yet, with a bar per query."""

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

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
    usable_device,
    use_threads,
)
from workers.merging.fit import FitOptions, Fitted, missing_originals
from workers.merging.fit import fit as fit_originals
from workers.merging.original_training import StepTaken
from workers.merging.workload import load_workload


def fit(
    workload: WorkloadPath,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Instead of what the workload says, for every query.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="The same, in passes over the training frames.")] = None,
    time_limit: Annotated[str | None, typer.Option(help="Such as 20m, for all queries together.")] = None,
    seed: Seed = 1,
    threads: Threads = None,
    device: Device = AUTO,
) -> None:
    """Train the originals of queries that have labelled data but no weights file yet."""
    use_threads(threads)
    console = Console()
    with errors():
        file, limit = load_workload(workload), optional_duration(time_limit)
        options = FitOptions(seed=seed, steps=steps, epochs=epochs, time_limit_s=limit, device=usable_device(device))
        wanted = len(missing_originals(file))
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[figures]}"))
        with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as bar:
            bars: dict[str, TaskID] = {}

            def observe(query: str, step: StepTaken) -> None:
                if query not in bars:
                    bars[query] = bar.add_task(query, figures="")
                figures = f"step {step.step} of {step.planned}, loss {step.loss:.3f}, validation {step.accuracy:.3f}"
                bar.update(bars[query], total=step.planned, completed=step.step, figures=figures)

            def done(fitted: Fitted) -> None:
                bar.console.print(f"Written to {fitted.weights}", soft_wrap=True)

            found = fit_originals(file, options, observe=observe, done=done, is_cancelled=cancelled_by_signals())
    if not wanted:
        console.print("Every query has its weights already: there is nothing to fit.")
        return
    _print_fitted(console, found)
    if len(found) < wanted:
        raise typer.Exit(CANCELLED)


def _print_fitted(console: Console, found: tuple[Fitted, ...]) -> None:
    table = Table("query", "steps", "seconds", "frames", "started from", "validation", "test")
    for one in found:
        table.add_row(
            one.query,
            str(one.steps),
            f"{one.seconds:.0f}",
            str(one.train_frames),
            one.origin,
            f"{one.validation_accuracy:.3f}",
            f"{one.test_accuracy:.3f}" if one.test_accuracy is not None else "no labels",
        )
    console.print(table)
