"""What is claimed of merging with our policy on a box that is short of memory, and of the simulator."""

from collections.abc import Iterator

from benchmarks.claims import Check
from benchmarks.edge.cells import BASELINE, WAYS, Cell

Cells = dict[str, dict[str, Cell]]
CellRuns = dict[str, dict[str, list[Cell]]]
OURS = WAYS[-1].name
SHORT_OF_MEMORY = ("min", "50%")
TIE = 0.02
NOTABLE_STALL = 0.2  # of the baseline's time: below it there is little that better swapping could give back
LEAST_FACTOR = 1.2
MOST_DIFFERENCE = 0.05


def checks(executed: Cells, foretold: Cells, foretold_elsewhere: Cells) -> tuple[Check, ...]:
    return (
        *_of_ours(executed, "executed"),
        *_of_ours(foretold, "foretold"),
        *_of_ours(foretold_elsewhere, "foretold from the profiles given"),
        _agreement(executed, foretold),
    )


def _of_ours(cells: Cells, kind: str) -> Iterator[Check]:
    for setting in [setting for setting in SHORT_OF_MEMORY if setting in cells]:
        yield _at_least_as_many(cells[setting], f"{kind}, {setting}")
        yield _notably_more(cells[setting], f"{kind}, {setting}")


def _at_least_as_many(ways: dict[str, Cell], where: str) -> Check:
    ours = ways[OURS].in_time
    best = max((name for name in ways if name != OURS), key=lambda name: ways[name].in_time)
    claim = f"{where}: {OURS} processes at least as many frames as every other way"
    return Check(
        claim, ways[best].in_time <= ours + TIE, f"{ours:.1%}, the best other {ways[best].in_time:.1%} ({best})"
    )


def _notably_more(ways: dict[str, Cell], where: str) -> Check:
    ours, baseline = ways[OURS].in_time, ways[BASELINE.name]
    claim = f"{where}: {LEAST_FACTOR} times the frames of {BASELINE.name}, where swaps stall it notably"
    if baseline.stalled <= NOTABLE_STALL:
        return Check(claim, None, f"swaps stall it {baseline.stalled:.0%} of the time")
    found = f"{ours:.1%} against {baseline.in_time:.1%}, swaps stall it {baseline.stalled:.0%} of the time"
    return Check(claim, ours >= LEAST_FACTOR * baseline.in_time, found)


def _agreement(executed: Cells, foretold: Cells) -> Check:
    differences = {
        f"{setting}, {way}": foretold[setting][way].in_time - cell.in_time
        for setting, ways in executed.items()
        for way, cell in ways.items()
    }
    beyond = {place: found for place, found in differences.items() if abs(found) > MOST_DIFFERENCE}
    widest = max(differences, key=lambda place: abs(differences[place]))
    shown = beyond or {widest: differences[widest]}
    claim = f"frames foretold and executed differ by at most {100 * MOST_DIFFERENCE:g} points in every cell"
    return Check(claim, not beyond, "; ".join(f"{100 * found:+.1f} at {place}" for place, found in shown.items()))
