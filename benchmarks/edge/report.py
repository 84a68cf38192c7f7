"""The table as data and as text, with the comparisons that it is for."""

from collections.abc import Iterator

import msgspec

from benchmarks.edge.cells import BASELINE, WAYS, Cell
from edge_runtime.protocol.sizes import format_size

TIE = 0.02
OURS = WAYS[-1].name
NOTABLE_STALL = 0.2  # of the baseline's time: below it there is little that better swapping could give back
PAPER = "in the paper merging gives 8 to 39 points of accuracy over time/space sharing alone"
Cells = dict[str, dict[str, Cell]]


class Table(msgspec.Struct, frozen=True):
    """Cells by memory setting and way. `ceiling`: accuracy with every frame in time; `bytes_per_s`: of the link."""

    rate_fps: float
    deadline_ms: int
    bytes_per_s: float | None
    budgets: dict[str, int]
    runs: int
    seconds: float
    ceiling: dict[str, float]
    executed: Cells
    foretold: Cells
    foretold_elsewhere: Cells


def lines(table: Table) -> Iterator[str]:
    link = f"{format_size(round(table.bytes_per_s))}/s" if table.bytes_per_s else "as fast as it goes"
    yield f"{table.rate_fps:.1f} frames/s per query, lost after {table.deadline_ms} ms, link {link}"
    yield f"Executed: medians of {table.runs} interleaved runs of {table.seconds:g} s"
    yield from _cells(table.executed, table.budgets)
    for way, accuracy in table.ceiling.items():
        if way in (BASELINE.name, OURS):
            yield f"  with every frame in time the accuracy of {way} would be {accuracy:.1%}"
    yield from _gains(table.executed)
    yield "Foretold from the profiles of this machine"
    yield from _cells(table.foretold, table.budgets)
    yield f"  at most {100 * _difference(table):.1f} points of frames in time away from what was executed"
    if table.foretold_elsewhere:
        yield "Foretold from the profiles given"
        yield from _cells(table.foretold_elsewhere, {})


def _cells(cells: Cells, budgets: dict[str, int]) -> Iterator[str]:
    yield f"  {'memory':<16} {'':<24} {'in time':>8} {'accuracy':>9} {'swapped/s':>11} {'stalled':>8}"
    for setting, ways in cells.items():
        memory = f"{setting} {format_size(budgets[setting])}" if setting in budgets else setting
        for way, cell in ways.items():
            accuracy = f"{cell.accuracy:.1%}" if cell.accuracy is not None else "-"
            swapped = format_size(round(cell.swap_bytes_per_s))
            yield f"  {memory:<16} {way:<24} {cell.in_time:>8.1%} {accuracy:>9} {swapped:>11} {cell.stalled:>8.1%}"


def _gains(cells: Cells) -> Iterator[str]:
    for setting, ways in cells.items():
        ours, baseline = ways[OURS], ways[BASELINE.name]
        behind = [name for name, cell in ways.items() if cell.in_time > ours.in_time + TIE]
        verdict = f"behind {', '.join(behind)}" if behind else "at least as many frames as every other"
        factor = ours.in_time / baseline.in_time if baseline.in_time else float("inf")
        notable = " (swaps stall it notably)" if baseline.stalled > NOTABLE_STALL else ""
        points = 100 * ((ours.accuracy or 0) - (baseline.accuracy or 0))
        gain = f"{factor:.2f} times the frames of {BASELINE.name}{notable}, {points:+.1f} points of accuracy"
        yield f"  {setting}: {OURS} {verdict}; {gain}"
    yield f"  ({PAPER})"


def _difference(table: Table) -> float:
    return max(
        abs(cell.in_time - table.executed[setting][way].in_time)
        for setting, ways in table.foretold.items()
        for way, cell in ways.items()
    )
