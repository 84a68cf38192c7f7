import io

from rich.console import Console

from workers.merging.cli.progress_bar import progress_bar
from workers.merging.events import Basis, Event, EventType, QueryFigures


def figures(name, relative, *, met):
    return QueryFigures(name, 0.9, 0.9, relative, relative, relative, Basis.AGREEMENT, 0.95, met)


def event(*queries, saved=50):
    return Event(EventType.PROGRESS, 7.0, 10, 100, 100 - saved, saved, 3, 10, trying="Sharing all.", queries=queries)


def shown(*events):
    console = Console(file=io.StringIO(), force_terminal=True, width=100, color_system=None)
    with progress_bar(console) as show:
        for label, one in events:
            show(label, one)
    return console.file.getvalue().rpartition("Sharing all.")


def test_shows_what_is_saved_and_how_accurate_every_query_is():
    _, _, last = shown(("", event(figures("Cars [x]", 0.97, met=True), figures("People", 0.9, met=False))))
    assert "50% saved, 7 s" in last
    assert "Cars [x]" in last
    assert "0.970, meets 0.95" in last
    assert "0.900, below 0.95" in last


def test_shows_the_queries_of_the_newest_run_only():
    before, _, last = shown(("gemel", event(figures("Cars", 0.97, met=True))), ("stem", event(saved=20)))
    assert "stem: " in before.splitlines()[-1]
    assert "20% saved" in last
    assert "Cars" not in last
