"""What a person reads of two answers to one frame."""

import pytest

from webapp.merges.differences import difference, sentence, verdict
from webapp.merges.models import Disagreement
from webapp.merges.privacy import may_show_picture


def _class(label: str, score: float | None = 0.9) -> dict:
    return {"label": label, "score": score, "box": None, "is_agreed": False}


def _object(label: str, *, is_agreed: bool = False, left: float = 0.1) -> dict:
    return {"label": label, "score": 0.8, "box": [left, 0.2, left + 0.3, 0.6], "is_agreed": is_agreed}


def test_two_classes_stand_beside_each_other():
    said = sentence([_class("rain", 0.92)], [_class("fog", 0.51)])
    assert said == 'The original says "rain" (92 % sure), the merged model "fog" (51 % sure).'


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("rain", 'Labelled "rain": the original is right.'),
        ("fog", 'Labelled "fog": the merged model is right.'),
        ("clear", 'Labelled "clear": neither is right.'),
    ],
)
def test_a_label_says_who_is_right(label, expected):
    assert verdict([_class("rain")], [_class("fog")], [_class(label, None)]) == expected
    assert verdict([_class("rain")], [_class("fog")], None) == ""


def test_objects_are_told_by_who_alone_finds_them():
    both = _object("car", is_agreed=True)
    original = [both, _object("person"), _object("person"), _object("bicycle")]
    assert sentence(original, [both]) == "Only the original finds 2 × person, 1 × bicycle."
    assert sentence([both], [both, _object("truck")]) == "Only the merged model finds 1 × truck."


def test_nothing_found_is_said():
    found = difference(Disagreement(original=[_object("car")], merged=[], truth=[]))
    assert [side.words for side in found.sides] == ["1 found", "nothing"]
    assert found.sentence == "Only the original finds 1 × car."


def test_outlines_tell_labels_agreed_and_lone_objects_apart():
    original = [_object("car", is_agreed=True), _object("car", left=0.5)]
    found = difference(Disagreement(original=original, merged=[original[0]], truth=[_object("car")]))

    ours, theirs = ([outline.css for outline in side.outlines] for side in found.sides)
    assert ours == ["outline-label", "outline-agreed", "outline-alone"]
    assert theirs == ["outline-label", "outline-agreed"]
    assert (found.sides[0].outlines[0].x, found.sides[0].outlines[0].width) == (0.1, 0.3)


@pytest.mark.parametrize(
    ("shows", "allowed", "expected"),
    [
        ("full", "full", True),
        ("blurred", "full", True),
        ("full", "blurred", False),
        ("blurred", "blurred", True),
        ("full", "off", False),
        ("blurred", "off", False),
    ],
)
def test_a_frame_is_shown_only_where_it_shows_no_more_than_the_camera_lets_out(shows, allowed, expected):
    assert may_show_picture(shows, allowed) is expected
