"""What the worker tells the merging core about a run."""

from pathlib import Path

import typer

from webapp.merges.models import Match, MergeRun
from workers.merging.cli import app
from workers.tasks.merges import _arguments


def _words(run: MergeRun) -> list[str]:
    return _arguments(Path("WORKLOAD.yaml"), Path("out"), run)


def test_passes_on_how_a_person_wanted_the_search() -> None:
    words = _words(MergeRun(strategy="maximal", match=Match.SHAPE, time_limit_s=90))

    options = dict(zip(words[4::2], words[5::2], strict=False))
    assert options["--strategy"] == "maximal"
    assert options["--match"] == "shape"
    assert options["--time-limit"] == "90s"


def test_says_nothing_that_the_command_line_does_not_know() -> None:
    command = typer.main.get_command(app).commands["run"]  # type: ignore[attr-defined]
    known = {option for parameter in command.params for option in parameter.opts}

    words = _words(MergeRun(strategy="optimistic", match=Match.EXACT, time_limit_s=60))
    assert {word for word in words if word.startswith("--")} <= known
