"""The comparison as tables for a person at a terminal."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.claims import Check, check_lines
from benchmarks.merging.checks import is_limited
from benchmarks.merging.examples import SPLITS, BenchmarkQuery, SplitDescription
from edge_runtime.protocol.sizes import format_size
from workers.merging.comparison import Comparison, StrategyResult
from workers.merging.events import QueryFigures

Descriptions = Mapping[str, Mapping[str, SplitDescription]]


def print_report(
    console: Console,
    queries: Sequence[BenchmarkQuery],
    descriptions: Descriptions,
    comparison: Comparison,
    found: Sequence[Check],
) -> None:
    console.print(_data(queries, descriptions))
    for query in queries:
        tested = descriptions[query.name]["test"]
        labels = ", ".join(f"{count} {name}" for name, count in tested.labels.items())
        console.print(f"Tested: {query.name} on {tested.source} ({labels})", markup=False, highlight=False)
    console.print(_strategies(comparison))
    console.print(_test_figures(queries, comparison))
    for line in check_lines(found):
        console.print(line, markup=False, highlight=False)


def _data(queries: Sequence[BenchmarkQuery], descriptions: Descriptions) -> Table:
    table = Table("Query", "Model", *SPLITS, title="Queries and their data (frames)")
    for query in queries:
        splits = descriptions[query.name]
        counts = (str(splits[split].frames) for split in SPLITS)
        table.add_row(query.name, query.architecture, *counts)
    return table


def _strategies(comparison: Comparison) -> Table:
    before, optimum = format_size(comparison.bytes_before), format_size(comparison.optimum_bytes)
    title = f"{before} of weights, of which sharing every matching layer would save {optimum}"
    table = Table("Strategy", "Saved", "of optimum", "Samples", "Seconds", "Ended", title=title)
    for result in comparison.strategies:
        table.add_row(
            result.strategy,
            format_size(result.saved_bytes),
            f"{result.optimum_fraction:.1%}",
            str(result.samples_seen),
            f"{result.seconds:.0f}",
            result.error or _ending(result, comparison),
        )
    return table


def _ending(result: StrategyResult, comparison: Comparison) -> str:
    if is_limited(result, comparison):
        return "at its limit"
    return "by itself" if result.finished else "cut off"


def _test_figures(queries: Sequence[BenchmarkQuery], comparison: Comparison) -> Table:
    names = [result.strategy for result in comparison.strategies]
    title = "Accuracy on test frames relative to the original, with 5 % and 95 % bounds"
    table = Table("Query", "Original", *names, title=title)
    for query in queries:
        figures = [_test(result, query.name) for result in comparison.strategies]
        original = next((f"{f.original_accuracy:.3f}" for f in figures if f and f.original_accuracy is not None), "")
        table.add_row(query.name, original, *(_cell(figure) for figure in figures))
    return table


def _test(result: StrategyResult, query: str) -> QueryFigures | None:
    return next((found.test for found in result.queries if found.name == query), None)


def _cell(figures: QueryFigures | None) -> str:
    if figures is None:
        return "original kept"
    missed = "" if figures.relative_accuracy >= figures.target else " missed"
    return f"{figures.relative_accuracy:.3f} ({figures.lower_bound:.3f}-{figures.upper_bound:.3f}){missed}"
