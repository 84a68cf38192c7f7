"""Giving a query a zone, changing and clearing it, without scripts; what the box and the audit get of it."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse

from webapp.audit.models import AuditEvent
from webapp.fleets.services import camera_preview_record
from webapp.rollouts.selectors import target_state
from webapp.rollouts.services import bundle_publish
from webapp.workloads.models import Query

LOWER = "10,50 90,50 90,100 10,100"
CORNERS = [[0.1, 0.5], [0.9, 0.5], [0.9, 1.0], [0.1, 1.0]]


@pytest.fixture
def detector(fleet):
    fleet.model.task, fleet.model.architecture = "detection", "centernet_resnet18_w24"
    fleet.model.save()
    return fleet.model


@pytest.fixture
def pictured(fleet):
    fleet.camera.picture = default_storage.save("pictures/still.jpg", ContentFile(b"\xff\xd8still"))
    fleet.camera.width, fleet.camera.height = 640, 480
    fleet.camera.save()
    return fleet.camera


def terms(**changes):
    return {
        "name": "cars below",
        "objects": ["car"],
        "accuracy_target": 0.95,
        "rate_fps": 5,
        "deadline_ms": 500,
        "priority": 1,
    } | changes


def add(browser, fleet, **changes):
    return browser.post(reverse("workloads:query-add"), terms(camera=fleet.camera.id, model=fleet.model.id) | changes)


def test_a_query_gets_a_zone_and_its_page_shows_it(browser, fleet, detector, pictured, words):
    page = browser.get(add(browser, fleet, zone=LOWER).url)
    assert Query.objects.get().zone == CORNERS
    assert "4 corners, 40 % of the picture" in words(page)
    assert b'points="64.00,240.00 576.00,240.00 576.00,480.00 64.00,480.00"' in page.content
    assert b'viewBox="0 0 640 480"' in page.content


def test_without_one_the_whole_picture_counts(browser, fleet, detector, words):
    page = browser.get(add(browser, fleet).url)
    assert Query.objects.get().zone == []
    assert "the whole picture" in words(page)
    assert b"zone-overlay" not in page.content


def test_the_box_gets_the_zone_and_the_audit_keeps_it(browser, fleet, detector, person):
    query = fleet.query("cars")
    browser.post(reverse("workloads:query-edit", args=[query.id]), terms(zone=LOWER))
    event = AuditEvent.objects.get(action="query.update")
    assert (event.actor, event.detail["zone"]) == (person, CORNERS)
    bundle_publish(box=fleet.box, reason="test", now=query.created_at)
    (target,) = target_state(fleet.box).queries
    assert target.zone == tuple((x, y) for x, y in CORNERS)


def test_the_form_shows_the_zone_and_clearing_it_takes_it_away(browser, fleet, detector):
    query = fleet.query("cars")
    edit = reverse("workloads:query-edit", args=[query.id])
    browser.post(edit, terms(zone=LOWER))
    assert LOWER in browser.get(edit).content.decode()
    browser.post(edit, terms(zone=""))
    query.refresh_from_db()
    assert query.zone == []


@pytest.mark.parametrize(
    ("zone", "sentence"),
    [
        ("10,50 90", "is no corner"),
        ("10,50 90,50", "3 to 20 corners"),
        ("0,0 100,100 100,0 0,100", "cross or touch"),
        ("0,0 120,0 0,100", "inside the picture"),
    ],
)
def test_a_bad_zone_is_refused_with_one_sentence_and_what_was_entered_stays(
    browser, fleet, detector, words, zone, sentence
):
    response = add(browser, fleet, zone=zone)
    assert sentence in words(response)
    assert zone in response.content.decode()
    assert not Query.objects.exists()


def test_a_classifier_takes_no_zone(browser, fleet, words):
    assert "judges the whole picture" in words(add(browser, fleet, zone=LOWER))
    assert not Query.objects.exists()
    query = fleet.query("cars")
    edit = reverse("workloads:query-edit", args=[query.id])
    assert "takes no zone" in words(browser.get(edit))
    assert "judges the whole picture" in words(browser.post(edit, terms(zone=LOWER)))


def _part(browser, fleet, words, **chosen):
    return browser.get(reverse("workloads:query-zone"), {"camera": fleet.camera.id, "model": fleet.model.id} | chosen)


def test_the_part_follows_camera_and_model_and_keeps_what_is_drawn(browser, fleet, detector, pictured, words):
    part = _part(browser, fleet, words, zone=LOWER).content.decode()
    assert f"{reverse('fleets:camera-picture', args=[fleet.camera.id])}?plain" in part
    assert LOWER in part
    assert "Corners as numbers" in words(_part(browser, fleet, words, model=""))


def test_says_what_to_do_where_there_is_no_picture(browser, fleet, detector, words):
    assert "press “Check again” there" in words(_part(browser, fleet, words))
    fleet.camera.privacy = "off"
    fleet.camera.save()
    assert "lets no picture leave the box" in words(_part(browser, fleet, words))


def test_the_picture_to_draw_on_has_nothing_drawn_on_it(browser, pictured):
    address = reverse("fleets:camera-picture", args=[pictured.id])
    camera_preview_record(camera_id=pictured.id, picture=b"\xff\xd8annotated")
    assert browser.get(address).content == b"\xff\xd8annotated"
    assert browser.get(address, {"plain": ""}).content == b"\xff\xd8still"


def test_programs_give_and_clear_a_zone_too(browser, fleet, detector):
    answer = browser.post(
        "/api/v1/queries/",
        {"camera": fleet.camera.id, "model": fleet.model.id, "name": "q", "objects": ["car"], "zone": CORNERS},
        content_type="application/json",
    )
    assert (answer.status_code, answer.json()["zone"]) == (201, CORNERS)
    address = f"/api/v1/queries/{answer.json()['id']}/"
    refused = browser.patch(address, {"zone": CORNERS[:2]}, content_type="application/json")
    assert (refused.status_code, "3 to 20 corners" in refused.content.decode()) == (400, True)
    assert browser.patch(address, {"zone": []}, content_type="application/json").json()["zone"] == []
