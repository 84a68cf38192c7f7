"""`inspect`: what merging could save."""

import sys
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from edge_runtime.protocol.sizes import format_size
from workers.merging.cli.session import WorkloadPath, errors
from workers.merging.inspection import WorkloadReport, inspect_file
from workers.merging.matching import Match
from workers.merging.workload import load_workload


def inspect(
    workload: WorkloadPath,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON on standard output.")] = False,
    match: Annotated[
        Match, typer.Option(help="exact, or shape: also layers of equal shape with another stride.")
    ] = Match.EXACT,
) -> None:
    """Say what merging could save, without training."""
    with errors():
        report = inspect_file(load_workload(workload), match)
    if as_json:
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
    else:
        _print_report(report)


MATRIX_LIMIT = 8  # queries; more columns than that no terminal shows
PAIRS_SHOWN = 20


def _print_report(report: WorkloadReport) -> None:
    console = Console()
    models = Table("", "query", "architecture", "size", "layers", "in the heaviest 15 %")
    for number, model in enumerate(report.models, 1):
        heavy = f"{model.heaviest_fraction:.0%}"
        models.add_row(str(number), model.query, model.architecture, format_size(model.bytes), str(model.layers), heavy)
    console.print(models)
    console.print(_pair_matrix(report) if len(report.models) <= MATRIX_LIMIT else _best_pairs(report))
    total, optimum = format_size(report.bytes), format_size(report.optimum_bytes)
    console.print(
        f"{total} in all; sharing every identical layer would save {optimum} ({report.optimum_fraction:.0%})."
    )


def _pair_matrix(report: WorkloadReport) -> Table:
    """By the queries' numbers; empty where a pair could save nothing."""
    names = [model.query for model in report.models]
    cells = {pair.queries: f"{format_size(pair.saved_bytes)}, {pair.saved_fraction:.0%}" for pair in report.pairs}
    table = Table("saves with", *map(str, range(2, len(names) + 1)), title="Could save, and of the pair's bytes")
    for number, name in enumerate(names[:-1], 1):
        table.add_row(f"{number} {name}", *(cells.get((name, other), "") for other in names[1:]))
    return table


def _best_pairs(report: WorkloadReport) -> Table:
    best = sorted(report.pairs, key=lambda pair: -pair.saved_bytes)[:PAIRS_SHOWN]
    table = Table("pair", "could save", "of the pair", title=f"{len(best)} of {len(report.pairs)} pairs; all in --json")
    for pair in best:
        table.add_row(" + ".join(pair.queries), format_size(pair.saved_bytes), f"{pair.saved_fraction:.0%}")
    return table
