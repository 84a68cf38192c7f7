"""Merge runs live on a terminal: a line per run with what is saved, and below it a line per query with its accuracy."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Column

from workers.merging.events import Event, QueryFigures


@contextmanager
def progress_bar(console: Console | None = None) -> Iterator[Callable[[str, Event], None]]:
    """Shows events of runs by label, "" for the only one. On standard error unless said otherwise."""
    columns = (
        TextColumn("{task.description}", table_column=Column(max_width=48, no_wrap=True, overflow="ellipsis")),
        BarColumn(bar_width=16),
        TextColumn("{task.fields[figures]}", table_column=Column(no_wrap=True)),
    )
    with Progress(*columns, console=console or Console(stderr=True)) as bar:
        yield _Lines(bar).show


class _Lines:
    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._runs: dict[str, TaskID] = {}
        self._queries: dict[str, TaskID] = {}

    def show(self, label: str, event: Event) -> None:
        if label not in self._runs:
            self._start(label)
        saved = event.saved_bytes / event.bytes_before if event.bytes_before else 0.0
        self._bar.update(
            self._runs[label],
            description=escape(f"{label}: {event.trying}" if label else event.trying),
            total=event.steps_planned or None,
            completed=event.step,
            figures=f"{saved:.0%} saved, {event.seconds:.0f} s",
        )
        for figures in event.queries:
            self._show_query(figures)

    def _start(self, label: str) -> None:
        """The queries of the run before belong to it no more."""
        for line in self._queries.values():
            self._bar.remove_task(line)
        self._queries.clear()
        self._runs[label] = self._bar.add_task("", figures="")

    def _show_query(self, figures: QueryFigures) -> None:
        if figures.name not in self._queries:
            self._queries[figures.name] = self._bar.add_task(f"  {escape(figures.name)}", total=1.0, figures="")
        colour, verdict = ("green", "meets") if figures.target_met else ("yellow", "below")
        self._bar.update(
            self._queries[figures.name],
            completed=min(1.0, figures.relative_accuracy),
            figures=f"[{colour}]{figures.relative_accuracy:.3f}, {verdict} {figures.target:.2f}[/{colour}]",
        )
