"""Who looks, at what rate, and what they see."""

from dataclasses import replace

import cv2
import numpy as np

from edge_runtime.agent.annotation import annotated
from edge_runtime.agent.preview import Look, PreviewDesk, frame_to_show, preview_message
from edge_runtime.protocol.messages import PreviewHead, PreviewWanted, decode_preview
from edge_runtime.protocol.target import Privacy

BOX = (0.25, 0.25, 0.75, 0.75)
GATE = Look("gate")


def test_pictures_are_due_at_the_asked_rate_until_the_wish_ends():
    now = [0.0]
    desk = PreviewDesk(clock=lambda: now[0])
    desk.want(PreviewWanted("gate", seconds=1.0, rate_fps=4.0))
    due = []
    for tick in range(40):
        now[0] = tick / 20
        due += [now[0] for look in desk.due()]
    assert due == [0.0, 0.25, 0.5, 0.75]
    assert desk.rates() == {}


def test_an_absurd_rate_is_bounded():
    desk = PreviewDesk(clock=lambda: 0.0)
    desk.want(PreviewWanted("gate", seconds=1.0, rate_fps=0.0))
    assert desk.rates()["gate"] > 0
    desk.want(PreviewWanted("gate", seconds=1.0, rate_fps=1e9))
    assert desk.rates()["gate"] <= 15


def test_shows_the_frame_that_boxes_were_found_on(frame, detection, classification):
    old, new, newest = frame(1), frame(2), frame(3)
    assert frame_to_show(newest, (classification(new), detection(old))) is old
    assert frame_to_show(newest, (classification(new),)) is new
    assert frame_to_show(newest, ()) is newest


def test_draws_boxes_of_wanted_objects_only(frame, detection):
    picture = frame()
    blank = np.zeros((240, 320, 3), np.uint8)
    assert annotated(blank.copy(), (detection(picture, (1, 0.9, BOX)),))[60:180, 80].any()
    assert not annotated(blank.copy(), (detection(picture, (0, 0.9, BOX)),)).any()
    assert not annotated(blank.copy(), (detection(picture, (1, 0.1, BOX)),)).any()


def test_draws_the_zone_where_it_is_and_leaves_the_rest_of_the_picture(frame, detection):
    zone = ((0.5, 0.5), (1.0, 0.5), (1.0, 1.0), (0.5, 1.0))
    result = replace(detection(frame()), zone=zone)
    image = annotated(np.zeros((240, 320, 3), np.uint8), (result,))
    assert image[119:122, 160:318].any(axis=2).any(axis=0).all()
    assert image[180, 240].any()
    assert not image[:, :155].any()
    assert not image[:115].any()


def test_writes_a_classification_as_a_caption_below(frame, classification):
    white = np.full((240, 320, 3), 255, np.uint8)
    image = annotated(white, (classification(frame()),))
    assert image[:200].min() == 255
    assert image[-10:, -10:].max() < 100


def test_the_message_holds_camera_time_and_a_jpeg_of_at_most_640_pixels(frame, detection):
    picture = frame(5)
    wide = type(picture)("gate", 6, np.zeros((720, 1280, 3), np.uint8), 0.0, 1_700_000_006.0)
    head, data = decode_preview(preview_message(GATE, Privacy.FULL, wide, ()))
    assert head == PreviewHead("gate", 1_700_000_006.0)
    assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape == (360, 640, 3)
    before = picture.image.copy()
    preview_message(GATE, Privacy.FULL, picture, (detection(picture, (1, 0.9, BOX)),))
    assert np.array_equal(picture.image, before)


def test_there_is_no_message_where_nothing_may_be_shown(frame):
    assert preview_message(GATE, Privacy.OFF, frame(), ()) is None
    assert preview_message(GATE, Privacy.FULL, None, ()) is None
    assert preview_message(Look("gate", is_plain=True), Privacy.OFF, frame(), ()) is None


def test_a_plain_picture_comes_with_what_each_query_found(frame, detection, classification):
    picture, zone = frame(), ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))
    found = replace(detection(picture, (1, 0.9, BOX), (0, 0.9, BOX), (1, 0.1, BOX)), zone=zone)
    head, data = decode_preview(
        preview_message(Look("gate", is_plain=True), Privacy.FULL, picture, (found, classification(picture)))
    )
    traffic, people = head.answers
    assert [round(find.score, 3) for find in (*traffic.finds, *people.finds)] == [0.9, 0.9]
    assert (traffic.name, traffic.finds[0].label, traffic.finds[0].box) == ("Traffic", "busy", None)
    assert (people.query, people.finds[0].label, people.finds[0].box) == ("people", "person", BOX)
    assert people.zone == zone
    annotated_one = decode_preview(preview_message(GATE, Privacy.FULL, picture, (found,)))[1]
    assert data != annotated_one


def test_blurs_a_plain_picture_as_any_other(frame, detection):
    picture = frame()
    found = (detection(picture, (1, 0.9, BOX)),)
    plain = Look("gate", is_plain=True)
    blurred, full = (preview_message(plain, privacy, picture, found) for privacy in (Privacy.BLURRED, Privacy.FULL))
    assert decode_preview(blurred)[1] != decode_preview(full)[1]


def test_who_wants_a_plain_picture_and_who_an_annotated_one_each_gets_theirs():
    desk = PreviewDesk(clock=lambda: 0.0)
    desk.want(PreviewWanted("gate", seconds=1.0, rate_fps=4.0))
    desk.want(PreviewWanted("gate", seconds=1.0, rate_fps=2.0, is_plain=True))
    assert desk.due() == [Look("gate"), Look("gate", is_plain=True)]
    assert desk.rates() == {"gate": 4.0}
