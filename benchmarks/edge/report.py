"""The table as data and as text, with the comparisons that it is for."""

from collections.abc import Iterator

import msgspec

from benchmarks.claims import check_lines
from benchmarks.edge.cells import WAYS, Cell
from benchmarks.edge.checks import OURS, CellRuns, Cells, checks
from edge_runtime.protocol.sizes import format_size

PAPER = "in the paper merging gives 8 to 39 points of accuracy over time/space sharing alone"


class Table(msgspec.Struct, frozen=True):
    """Cells by memory setting and way. `ceiling`: accuracy with every frame in time, empty where there is no truth.

    `bytes_per_s`: of the link. `executed` and `foretold` are the medians of `runs` and `foretold_runs`, given in order.
    """

    models: dict[str, str]
    device: str
    utilisation: float
    load_ratio: float
    rate_fps: float
    deadline_ms: int
    bytes_per_s: float | None
    budgets: dict[str, int]
    seconds: float
    ceiling: dict[str, float]
    executed: Cells
    foretold: Cells
    foretold_elsewhere: Cells
    runs: CellRuns
    foretold_runs: CellRuns


def lines(table: Table) -> Iterator[str]:
    link = f"{format_size(round(table.bytes_per_s))}/s" if table.bytes_per_s else "as fast as it goes"
    models = ", ".join(sorted(table.models.values()))
    yield f"{len(table.models)} models ({models}) on {table.device}"
    yield f"{table.rate_fps:.1f} frames/s per query, lost after {table.deadline_ms} ms, link {link}"
    repeated = len(table.runs[next(iter(table.runs))][OURS])
    yield f"Executed: medians of {repeated} interleaved runs of {table.seconds:g} s"
    yield from _cells(table.executed, table.budgets)
    for way, accuracy in table.ceiling.items():
        yield f"  with every frame in time the accuracy of the {way} models would be {accuracy:.1%}"
    yield from _gains(table.executed)
    yield "Foretold from the profiles of this machine, measured before each run: medians"
    yield from _cells(table.foretold, table.budgets)
    if table.foretold_elsewhere:
        yield "Foretold from the profiles given"
        yield from _cells(table.foretold_elsewhere, {})
    yield from check_lines(checks(table.executed, table.foretold, table.foretold_elsewhere))


def _cells(cells: Cells, budgets: dict[str, int]) -> Iterator[str]:
    yield f"  {'memory':<16} {'':<24} {'in time':>8} {'accuracy':>9} {'swapped/s':>11} {'stalled':>8}"
    for setting, ways in cells.items():
        memory = f"{setting} {format_size(budgets[setting])}" if setting in budgets else setting
        for way, cell in ways.items():
            accuracy = f"{cell.accuracy:.1%}" if cell.accuracy is not None else "-"
            swapped = format_size(round(cell.swap_bytes_per_s))
            yield f"  {memory:<16} {way:<24} {cell.in_time:>8.1%} {accuracy:>9} {swapped:>11} {cell.stalled:>8.1%}"


def _gains(cells: Cells) -> Iterator[str]:
    unmerged = [way.name for way in WAYS if not way.merged]
    for setting, ways in cells.items():
        gains = "; ".join(_gain(ways[OURS], ways[name], name) for name in unmerged)
        yield f"  {setting}: {OURS} gives {gains}"
    yield f"  ({PAPER})"


def _gain(ours: Cell, other: Cell, name: str) -> str:
    frames = f"{ours.in_time / other.in_time:.2f} times the frames" if other.in_time else "frames where there were none"
    if ours.accuracy is None or other.accuracy is None:
        return f"{frames} of {name}"
    return f"{frames} and {100 * (ours.accuracy - other.accuracy):+.1f} points of accuracy over {name}"
