"""What may leave the box: nothing, nobody recognisable, or all, and a sentence where that cannot be kept."""

from dataclasses import replace

import numpy as np
import pytest

from edge_runtime.agent.privacy import (
    NobodyFindsPeople,
    PrivacyRefusal,
    cleared_for_dataset,
    cleared_for_look,
)
from edge_runtime.protocol.target import Privacy

INSIDE = np.s_[15:45, 20:40]
OUTSIDE = np.s_[:, 60:]
PERSON_BOX = (0.25, 0.25, 0.5, 0.75)


def detail(image, part):
    """How much neighbouring pixels differ: high for noise, low for anything blurred."""
    return float(np.abs(np.diff(image[part].astype(int), axis=1)).mean())


def test_off_keeps_every_picture_on_the_box(frame):
    with pytest.raises(PrivacyRefusal, match="keeps all pictures"):
        cleared_for_dataset(Privacy.OFF, frame(), ())
    assert cleared_for_look(Privacy.OFF, frame(), ()) is None


def test_full_is_as_captured(frame):
    picture = frame()
    assert cleared_for_dataset(Privacy.FULL, picture, ()).image is picture.image
    assert cleared_for_look(Privacy.FULL, picture, ()) is picture.image


def test_a_scene_that_knows_its_people_blurs_them_and_nothing_else(frame, person):
    picture = frame(objects=(person,))
    image = cleared_for_dataset(Privacy.BLURRED, picture, ()).image
    assert detail(image, INSIDE) < detail(picture.image, INSIDE) / 4
    assert np.array_equal(image[OUTSIDE], picture.image[OUTSIDE])


def test_a_scene_without_people_is_sent_as_it_is(frame):
    picture = frame(objects=())
    assert np.array_equal(cleared_for_dataset(Privacy.BLURRED, picture, ()).image, picture.image)


def test_people_are_blurred_on_the_very_frame_they_were_found_on(frame, detection):
    seen, newer = frame(1), frame(2)
    cleared = cleared_for_dataset(Privacy.BLURRED, newer, (detection(seen, (1, 0.2, PERSON_BOX)),))
    assert cleared.frame is seen
    assert detail(cleared.image, INSIDE) < detail(seen.image, INSIDE) / 4


def test_people_outside_the_zone_of_the_query_that_finds_them_are_blurred_too(frame, detection):
    seen = frame(1)
    found = detection(seen, (1, 0.9, PERSON_BOX))
    zoned = replace(found, prediction=detection(seen).prediction, outside=found.prediction)
    for image in (
        cleared_for_dataset(Privacy.BLURRED, seen, (zoned,)).image,
        cleared_for_look(Privacy.BLURRED, seen, (zoned,)),
    ):
        assert detail(image, INSIDE) < detail(seen.image, INSIDE) / 4


def test_only_people_are_blurred(frame, detection):
    seen = frame(1)
    cleared = cleared_for_dataset(Privacy.BLURRED, seen, (detection(seen, (0, 0.9, PERSON_BOX)),))
    assert np.array_equal(cleared.image, seen.image)


def test_a_data_set_is_refused_where_nobody_looks_for_people(frame, classification):
    picture = frame()
    with pytest.raises(NobodyFindsPeople, match="Add one to this camera"):
        cleared_for_dataset(Privacy.BLURRED, picture, (classification(picture),))


def test_a_look_shows_coarse_blocks_where_nobody_looks_for_people(frame):
    picture = frame()
    image = cleared_for_look(Privacy.BLURRED, picture, ())
    assert detail(image, np.s_[:, :]) < detail(picture.image, np.s_[:, :]) / 2
    assert len(np.unique(image.reshape(-1, 3), axis=0)) <= 24 * 18


def test_a_look_does_not_trust_people_found_on_another_frame(frame, detection):
    picture = frame(2)
    image = cleared_for_look(Privacy.BLURRED, picture, (detection(frame(1), (1, 0.9, PERSON_BOX)),))
    assert detail(image, OUTSIDE) < detail(picture.image, OUTSIDE) / 2


def test_there_is_nothing_before_the_first_frame():
    assert cleared_for_dataset(Privacy.FULL, None, ()) is None
    assert cleared_for_dataset(Privacy.BLURRED, None, ()) is None
