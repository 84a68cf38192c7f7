"""What comes next after a drift was found, and what makes sense as a site's settings. Pure: no database."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext, gettext_lazy

from webapp.common.errors import InvalidInput
from webapp.drift.models import Drift, DriftState, Response
from webapp.merges.models import MergedGroupState, MergeRunState
from webapp.workloads.models import DatasetState

LIMITS = {
    "window_s": (60, 86_400, gettext_lazy("The window lies between one minute and one day.")),
    "frames_min": (10, 1000, gettext_lazy("A window is judged from 10 to 1000 frames on.")),
    "merge_frames": (100, 5000, gettext_lazy("A merge takes 100 to 5000 frames of a camera.")),
    "merge_span_s": (10, 86_400, gettext_lazy("Frames are collected over ten seconds to one day.")),
}


def check_settings(response: str, **numbers: int) -> None:
    """Raises InvalidInput."""
    if response not in Response:
        raise InvalidInput(
            gettext("The response is one of: %(choices)s.") % {"choices": ", ".join(Response)}, field="response"
        )
    for field, number in numbers.items():
        low, high, sentence = LIMITS[field]
        if not low <= number <= high:
            raise InvalidInput(sentence, field=field)


class Step(enum.Enum):
    """RECOVER: a drift that was only told of is over. END: what came of it was decided, or told for long enough."""

    NOTHING = enum.auto()
    REVERT = enum.auto()
    COLLECT = enum.auto()
    START_MERGE = enum.auto()
    AWAIT_DECISION = enum.auto()
    FAIL = enum.auto()
    RECOVER = enum.auto()
    END = enum.auto()


@dataclass(frozen=True)
class Progress:
    """What became of a drift so far. `run`: of the new merge, "" before it.

    `is_running`: the box is still meant to run the group, or is again. `is_where_found`: it is the box that the group
    was found on; on others nothing is merged anew. `is_told`: people were told for long enough.
    """

    is_drifting: bool
    is_running: bool
    is_where_found: bool = True
    is_told: bool = False
    datasets: tuple[DatasetState, ...] = ()
    run: str = ""
    new_groups: tuple[MergedGroupState, ...] = ()


def next_step(state: DriftState, response: Response, progress: Progress) -> Step:
    """One step at a time; a step that was cut short is asked for again."""
    if state is DriftState.FOUND:
        return _found(response, progress)
    if state is DriftState.REVERTED:
        return _reverted(response, progress)
    if state is DriftState.COLLECTING:
        return _collecting(progress.datasets)
    if state is DriftState.MERGING:
        return _merging(progress)
    if state is DriftState.WAITING:
        return Step.NOTHING if MergedGroupState.WAITING in progress.new_groups else Step.END
    if state is DriftState.FAILED:
        return Step.END if progress.is_told or progress.is_running else Step.NOTHING
    return Step.NOTHING


def _found(response: Response, progress: Progress) -> Step:
    """A group that a person reverted or replaced meanwhile is nobody's drift any more."""
    if not progress.is_running or not progress.is_drifting:
        return Step.RECOVER
    return Step.NOTHING if response is Response.ALERT else Step.REVERT


def _reverted(response: Response, progress: Progress) -> Step:
    """Where nothing is merged anew people are told for a while: what merging saved on this box is gone."""
    if progress.is_running:
        return Step.END
    if response is Response.MERGE and progress.is_where_found:
        return Step.COLLECT
    return Step.END if progress.is_told else Step.NOTHING


def _collecting(datasets: Iterable[DatasetState]) -> Step:
    states = set(datasets)
    if DatasetState.REJECTED in states or not states:
        return Step.FAIL
    return Step.START_MERGE if states == {DatasetState.READY} else Step.NOTHING


def _merging(progress: Progress) -> Step:
    if progress.run in (MergeRunState.QUEUED, MergeRunState.RUNNING):
        return Step.NOTHING
    return Step.AWAIT_DECISION if progress.new_groups else Step.FAIL


_DONE = {
    DriftState.FOUND: gettext_lazy("Nothing was changed, as the site wishes."),
    DriftState.REVERTED: gettext_lazy("The merged group was reverted to its originals."),
    DriftState.COLLECTING: gettext_lazy(
        "The merged group was reverted to its originals; fresh frames are being collected."
    ),
    DriftState.MERGING: gettext_lazy(
        "The merged group was reverted to its originals; a merge with fresh frames is going on."
    ),
    DriftState.WAITING: gettext_lazy(
        "The merged group was reverted to its originals; a new merge waits for a decision."
    ),
}


def figures_of(drift: Drift) -> str:
    """One sentence: by which figures the group fell."""
    minutes = drift.window_s / 60
    return gettext(
        "%(query_name)s agreed with its original on %(value)s %% (%(lower)s to %(upper)s %%) of "
        "%(frames)s frames sampled within %(minutes)s min, where %(bar)s %% is asked."
    ) % {
        "query_name": drift.query_name,
        "value": f"{100 * drift.value:.1f}",
        "lower": f"{100 * drift.lower:.1f}",
        "upper": f"{100 * drift.upper:.1f}",
        "frames": drift.frames,
        "minutes": f"{minutes:.0f}",
        "bar": f"{100 * drift.bar:.1f}",
    }


def sentence_of(drift: Drift) -> str:
    """How it was found, and what was done."""
    state = DriftState(drift.state)
    if drift.is_where_found or state is DriftState.FOUND:
        done = (
            _DONE.get(state)
            or (
                gettext("The merged group was reverted to its originals. %(problem)s") % {"problem": drift.problem}
            ).strip()
        )
    else:
        done = gettext(
            "The merged group was taken off %(box)s, which runs what it ran before; other boxes keep it."
        ) % {"box": drift.box}
    return f"{figures_of(drift)} {done}"
