"""A person finds whatever they may see from one field, and the pages that they may use."""

import pytest
from django.urls import reverse
from django.utils import timezone

from webapp.alerts.models import Alert
from webapp.dashboard.search import FOUND_PER_KIND, everything_found
from webapp.fleets.models import Box, Role
from webapp.fleets.services import box_create, site_create

SEARCH = reverse("dashboard:search")


def _found(person, text):
    """By kind: the titles."""
    sections = everything_found(person, text, timezone.now())
    return {section.kind: [found.title for found in section.found] for section in sections}


@pytest.fixture
def everything(fleet):
    """Something of every kind."""
    now = timezone.now()
    group = fleet.merged_group(fleet.query("count cars"), fleet.query("count trucks"))
    fleet.dataset()
    Alert.objects.create(
        site=fleet.site,
        kind="box offline",
        subject_type="box",
        subject_id=fleet.box.id,
        subject_name="north gate",
        sentence="It was last heard an hour ago.",
        noticed_at=now,
        opened_at=now,
    )
    fleet.rollout(group)
    return fleet


def test_finds_everything_by_words_of_its_names(person, everything):
    found = _found(person, "north gate")
    assert found["Boxes"] == ["north gate"]
    assert found["Cameras"] == ["entry"]
    assert found["Queries"] == ["count cars", "count trucks"]
    assert found["Data sets"] == ["morning"]
    assert found["Merge runs"][0].startswith("Merge of north gate at ")
    assert found["Merged groups"] == ["count cars + count trucks"]
    assert found["Rollouts"] == ["Rollout of count cars + count trucks"]
    assert found["Alerts"] == ["north gate: box offline"]
    assert _found(person, "squeeze")["Models"] == ["vehicles"]
    assert _found(person, "ada")["People"] == ["ada"]
    assert _found(person, "harb")["Sites"] == ["harbour"]


def test_every_address_that_is_found_is_a_page(browser, person, everything):
    for text in ("", "north", "vehicles", "ada", "harbour"):
        for section in everything_found(person, text, timezone.now()):
            for found in section.found:
                assert browser.get(found.address).status_code == 200, found


def test_what_begins_with_the_words_comes_first_and_the_rest_is_a_list_away(person, fleet):
    names = [*(f"a crane {number}" for number in range(FOUND_PER_KIND)), "crane"]
    Box.objects.bulk_create(Box(site=fleet.site, name=name, created_at=timezone.now()) for name in names)
    (boxes,) = (section for section in everything_found(person, "crane", timezone.now()) if section.kind == "Boxes")
    assert [found.title for found in boxes.found][:2] == ["crane", "a crane 0"]
    assert len(boxes.found) == FOUND_PER_KIND
    assert boxes.more == reverse("dashboard:box-list") + "?search=crane"


def test_a_viewer_finds_only_their_site_and_nothing_that_they_may_not_do(fleet):
    elsewhere = site_create(actor=None, name="elsewhere", now=timezone.now())
    box_create(actor=None, site=elsewhere, name="north pole", now=timezone.now())
    viewer = fleet.member(Role.VIEWER)
    assert _found(viewer, "north")["Boxes"] == ["north gate"]
    assert "Sites" not in _found(viewer, "elsewhere")
    assert "People" not in _found(viewer, "viewer")
    assert "Go to" not in _found(viewer, "add a box")
    assert "Audit log" not in _found(viewer, "")["Go to"]
    assert _found(fleet.member(Role.OPERATOR), "add box")["Go to"] == ["Add a box"]


def test_pages_are_found_by_what_they_are_for(person):
    assert _found(person, "approve merged")["Go to"] == ["Decide on merged groups"]
    assert _found(person, "export csv")["Go to"] == ["Queries", "Audit log"]
    assert _found(person, "who approved")["Go to"] == ["Audit log"]


def test_is_a_page_without_scripts(browser, fleet, words):
    page = words(browser.get(SEARCH, {"text": "entry"}))
    assert "Cameras entry on north gate" in page
    assert "Nothing that you may see has “zebra”" in words(browser.get(SEARCH, {"text": "zebra"}))


def test_searching_asks_the_database_little_however_much_there_is(
    browser, fleet, django_assert_max_num_queries, everything
):
    Box.objects.bulk_create(
        Box(site=fleet.site, name=f"north {number}", created_at=timezone.now()) for number in range(50)
    )
    with django_assert_max_num_queries(26):
        browser.get(SEARCH, {"text": "north"}, headers={"HX-Request": "true"})


def test_programs_search_too(browser, fleet):
    found = browser.get("/api/v1/search/?text=entry").json()
    address = reverse("dashboard:camera-detail", args=[fleet.camera.id])
    assert found == [{"kind": "Cameras", "title": "entry", "detail": "on north gate", "address": address}]
