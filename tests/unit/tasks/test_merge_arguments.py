"""What the worker tells the merging core about a run."""

from pathlib import Path

from webapp.merges.models import Match, MergeRun
from workers.tasks.merges import _arguments


def _options(run: MergeRun) -> dict[str, str]:
    words = _arguments(Path("WORKLOAD.yaml"), Path("out"), run)[4:]
    return dict(zip(words[::2], words[1::2], strict=False))


def test_passes_on_how_a_person_wanted_the_search() -> None:
    options = _options(MergeRun(strategy="maximal", match=Match.SHAPE, time_limit_s=90))

    assert options["--strategy"] == "maximal"
    assert options["--match"] == "shape"
    assert options["--time-limit"] == "90s"
