"""Changes of an answer that stay, against answers that flicker."""

import pytest

from edge_runtime.answers.change_watch import ChangeWatch
from tests.unit.answers.conftest import START


def changes(classification, labels, **options):
    watch, found = ChangeWatch(), []
    for tick, label in enumerate(labels):
        seen = watch.see(classification(tick / 5, label, score=0.5 + tick / 100, **options))
        assert sum(seen.appeared.values()) == len(seen.sightings)
        found += seen.sightings
    return found


def test_a_change_that_stays_is_told_once_with_its_first_moment(classification):
    (sighting,) = changes(classification, ["quiet"] * 5 + ["busy"] * 20)
    assert (sighting.kind, sighting.label, sighting.box, sighting.until) == ("changed", "busy", None, None)
    assert sighting.at == START + 1.0
    assert sighting.score == pytest.approx(0.57)  # the best of the frames that made it count
    assert sighting.frame.captured_at == pytest.approx(1.4)


def test_what_was_before_the_first_answer_nobody_knows(classification):
    assert changes(classification, ["busy"] * 20) == []


def test_an_answer_that_flickers_changes_nothing(classification):
    assert changes(classification, ["quiet"] * 5 + ["busy", "busy", "quiet"] * 10) == []


def test_a_flicker_within_a_change_delays_it(classification):
    labels = ["quiet"] * 5 + ["busy", "quiet", "busy", "busy", "busy"]
    assert [sighting.at - START for sighting in changes(classification, labels)] == [pytest.approx(1.4)]


def test_every_return_counts_again_but_only_to_what_was_asked_for(classification):
    labels = (["quiet"] * 4 + ["busy"] * 4) * 3
    assert [sighting.label for sighting in changes(classification, labels)] == ["busy"] * 3
    assert len(changes(classification, labels, objects=())) == 5


def test_frames_of_two_streams_make_no_change_together(classification):
    watch = ChangeWatch()
    for tick in range(3):
        watch.see(classification(tick / 5, "quiet"))
    for tick in range(3, 5):
        watch.see(classification(tick / 5, "busy"))
    assert not watch.see(classification(1.0, "busy", stream=2)).appeared
    assert not watch.see(classification(1.2, "busy", stream=2)).appeared
    assert watch.see(classification(1.4, "busy", stream=2)).appeared == {"busy": 1}
