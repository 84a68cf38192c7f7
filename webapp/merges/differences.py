"""Two answers to one frame as a page shows them: one sentence, and what is drawn on the picture. Pure: no database."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext

from webapp.merges.models import Disagreement, MergedGroupQuery

Named = dict[str, Any]  # as in Disagreement


@dataclass(frozen=True)
class Outline:
    """A rectangle, in fractions of the picture. `css` says whether both models found it, one alone, or the label."""

    x: float
    y: float
    width: float
    height: float
    css: str


@dataclass(frozen=True)
class Side:
    """One model's answer. `words`: the class of the whole frame, or how many objects it finds."""

    title: str
    words: str
    outlines: tuple[Outline, ...]


@dataclass(frozen=True)
class Difference:
    """`verdict`: who is right where the label says it of the whole frame, "" elsewhere."""

    disagreement: Disagreement
    sentence: str
    verdict: str
    sides: tuple[Side, Side]


@dataclass(frozen=True)
class MemberDifferences:
    """`first` are shown at once, `more` on demand."""

    member: MergedGroupQuery
    first: tuple[Difference, ...]
    more: tuple[Difference, ...]

    @property
    def fraction(self) -> float | None:
        compared = self.member.compared_frames
        return self.member.differing_frames / compared if compared else None


SHOWN_AT_ONCE = 3


def differences_by_member(
    members: Iterable[MergedGroupQuery], disagreements: Sequence[Disagreement]
) -> list[MemberDifferences]:
    """Only members of which it is known."""
    found = []
    for member in members:
        own = tuple(difference(one) for one in disagreements if one.member_id == member.pk)
        if member.compared_frames is not None:
            found.append(MemberDifferences(member, own[:SHOWN_AT_ONCE], own[SHOWN_AT_ONCE:]))
    return found


def difference(disagreement: Disagreement) -> Difference:
    original, merged, truth = disagreement.original, disagreement.merged, disagreement.truth
    labelled = tuple(_outline(one, "outline-label") for one in truth or () if one["box"])
    return Difference(
        disagreement,
        sentence(original, merged),
        verdict(original, merged, truth),
        (
            Side(gettext("Original"), _words(original), labelled + _outlines(original)),
            Side(gettext("Merged"), _words(merged), labelled + _outlines(merged)),
        ),
    )


def sentence(original: Sequence[Named], merged: Sequence[Named]) -> str:
    if _is_of_whole_frame(original, merged):
        return gettext("The original says %(original)s, the merged model %(merged)s.") % {
            "original": _class(original),
            "merged": _class(merged),
        }
    found = (
        (gettext("Only the original finds %(objects)s."), _alone(original)),
        (gettext("Only the merged model finds %(objects)s."), _alone(merged)),
    )
    return " ".join(words % {"objects": objects} for words, objects in found if objects)


def _alone(answer: Sequence[Named]) -> str:
    return _counted(one for one in answer if not one["is_agreed"])


def verdict(original: Sequence[Named], merged: Sequence[Named], truth: Sequence[Named] | None) -> str:
    if not truth or not _is_of_whole_frame(original, merged):
        return ""
    label = truth[0]["label"]
    if original[0]["label"] == label:
        words = gettext('Labelled "%(label)s": the original is right.')
    elif merged[0]["label"] == label:
        words = gettext('Labelled "%(label)s": the merged model is right.')
    else:
        words = gettext('Labelled "%(label)s": neither is right.')
    return words % {"label": label}


def _is_of_whole_frame(original: Sequence[Named], merged: Sequence[Named]) -> bool:
    return all(len(answer) == 1 and answer[0]["box"] is None for answer in (original, merged))


def _class(answer: Sequence[Named]) -> str:
    return f'"{answer[0]["label"]}" ({100 * answer[0]["score"]:.0f} % sure)'


def _counted(objects: Iterable[Named]) -> str:
    """As in "2 × car, 1 × bus"."""
    return ", ".join(f"{count} × {label}" for label, count in Counter(one["label"] for one in objects).most_common())


def _words(answer: Sequence[Named]) -> str:
    if len(answer) == 1 and answer[0]["box"] is None:
        return str(answer[0]["label"])
    return f"{len(answer)} found" if answer else "nothing"


def _outlines(answer: Sequence[Named]) -> tuple[Outline, ...]:
    found = [one for one in answer if one["box"]]
    return tuple(_outline(one, "outline-agreed" if one["is_agreed"] else "outline-alone") for one in found)


def _outline(one: Named, css: str) -> Outline:
    left, top, right, bottom = one["box"]
    return Outline(left, top, round(right - left, 4), round(bottom - top, 4), css)
