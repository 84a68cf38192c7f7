"""A person finds a box, a camera and a query among many."""

import pytest
from django.urls import reverse
from django.utils import timezone

from webapp.common.lists import PAGE_ROWS
from webapp.fleets.models import Box


@pytest.fixture
def many_boxes(fleet):
    made = (Box(site=fleet.site, name=f"box {number:03}", created_at=timezone.now()) for number in range(PAGE_ROWS + 9))
    Box.objects.bulk_create(made)


def test_boxes_come_page_by_page(browser, words, many_boxes):
    first = words(browser.get(reverse("dashboard:box-list")))
    assert f"1–{PAGE_ROWS} of {PAGE_ROWS + 10}" in first
    assert "box 000" in first
    assert "north gate" not in first
    second = browser.get(reverse("dashboard:box-list"), {"page": 2})
    assert "north gate" in words(second)
    assert 'href="?page=1">Previous' in second.content.decode()


def test_a_box_is_found_by_words_of_its_name_and_site(browser, words, many_boxes):
    found = words(browser.get(reverse("dashboard:box-list"), {"search": "harbour 007"}))
    assert "box 007" in found
    assert "box 008" not in found
    nothing = browser.get(reverse("dashboard:box-list"), {"search": "lighthouse"})
    assert "Nothing has “lighthouse” in its name." in words(nothing)


def test_searching_goes_on_over_pages(browser, many_boxes):
    page = browser.get(reverse("dashboard:box-list"), {"search": "box"}).content.decode()
    assert 'href="?search=box&amp;page=2">Next' in page


def test_queries_are_found_by_camera_and_model(browser, fleet, words):
    fleet.query("count cars")
    assert "count cars" in words(browser.get(reverse("dashboard:query-list"), {"search": "entry vehicles"}))
    assert "count cars" not in words(browser.get(reverse("dashboard:query-list"), {"search": "exit"}))


def test_a_short_list_has_nothing_to_search(browser, fleet):
    assert 'type="search"' not in browser.get(reverse("dashboard:camera-list")).content.decode()
    assert "entry" not in browser.get(reverse("dashboard:camera-list"), {"search": "exit"}).content.decode()
