"""A person finds a box, a camera and a query among many."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from webapp.common.choosing import OFFERED
from webapp.common.lists import PAGE_ROWS
from webapp.fleets.models import Box, Camera
from webapp.fleets.services import camera_create
from webapp.merges.models import MergedGroup, MergedGroupState
from webapp.telemetry.models import BoxRollup, QueryRollup, Resolution
from webapp.workloads.models import Query


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


@pytest.fixture
def many_cameras(fleet):
    for number in range(OFFERED + 9):
        camera_create(actor=None, box=fleet.box, name=f"camera {number:03}", source="rtsp://cam/1", now=timezone.now())
    return Camera.objects.order_by("name")


def test_a_form_offers_a_few_of_many_cameras_and_words_find_the_others(browser, fleet, many_cameras):
    form = browser.get(reverse("workloads:query-add")).content.decode()
    assert form.count(" on north gate</option>") == OFFERED
    assert 'hx-get="/cameras/options/"' in form
    found = browser.get(reverse("fleets:camera-options"), {"search": "north 058"}).content.decode()
    assert "camera 058 on north gate" in found
    assert "camera 057" not in found
    assert "Nothing is named so" in browser.get(reverse("fleets:camera-options"), {"search": "quay"}).content.decode()


def test_a_camera_that_is_not_among_the_few_can_be_chosen(browser, fleet, many_cameras):
    last = many_cameras.last()
    page = browser.get(reverse("workloads:query-add"), {"camera": last.id}).content.decode()
    assert f'<option value="{last.id}" selected>{last.name} on north gate</option>' in page
    terms = {"name": "cars", "objects": ["car"], "accuracy_target": 0.9, "rate_fps": 5, "deadline_ms": 500}
    entered = terms | {"priority": 1, "zone": "", "camera": last.id, "model": fleet.model.id}
    assert browser.post(reverse("workloads:query-add"), entered).status_code == 302
    assert Query.objects.get(name="cars").camera == last


def test_few_cameras_are_all_offered_and_nothing_is_to_be_searched(browser, fleet):
    page = browser.get(reverse("workloads:dataset-request")).content.decode()
    assert page.count(" on north gate</option>") == 1
    assert 'type="search"' not in page


def test_what_waits_for_a_decision_stands_above_every_page_of_the_decided(browser, fleet, words):
    first, second = fleet.query("cars"), fleet.query("buses")
    groups = [fleet.merged_group(first, second) for _ in range(PAGE_ROWS + 3)]
    MergedGroup.objects.exclude(id=groups[0].id).update(state=MergedGroupState.REJECTED)
    page = words(browser.get(reverse("merges:group-list"), {"page": 2}))
    assert "Waiting for a decision" in page
    assert f"{PAGE_ROWS + 1}–{PAGE_ROWS + 2} of {PAGE_ROWS + 2}" in page
    assert "Nothing has “quay” in its name." in words(browser.get(reverse("merges:group-list"), {"search": "quay"}))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("workloads:model-list", "vehicles"),
        ("workloads:dataset-list", "morning entry"),
        ("merges:run-list", "gate harbour"),
        ("merges:run-choose", "gate"),
        ("people:person-list", "ada"),
    ],
)
def test_other_lists_are_found_in_too(browser, fleet, words, name, text):
    fleet.dataset()
    fleet.merged_group(fleet.query("cars"))
    nothing = "Nothing has “lighthouse” in its name."
    assert nothing not in words(browser.get(reverse(name), {"search": text}))
    assert nothing in words(browser.get(reverse(name), {"search": "lighthouse"}))


@pytest.fixture
def added_up(fleet):
    """Minutes of two boxes: the second loses more frames, in fuller memory; and of three queries of the first."""
    now = timezone.now()
    other = Box.objects.create(site=fleet.site, name="quay", enrolled_at=now, is_connected=True, created_at=now)
    memory = dict.fromkeys(("memory_private", "memory_shared", "memory_activations", "memory_overhead"), 10)
    memory |= {"memory_budget": 100, "memory_free": 60, "cpu_percent": 5.0}
    whole = {"resolution": Resolution.MINUTE, "start": now - timedelta(minutes=2)}
    for box, processed, used in ((fleet.box, 90, 40), (other, 10, 90)):
        figures = {"captured": 100, "processed": processed, "memory_used_max": used, "seconds": 60.0}
        BoxRollup.objects.create(box=box, **whole, **memory, **figures)
    for name, processed, latency, agreement in (
        ("cars", 90, 40.0, 0.99),
        ("bikes", 50, 300.0, 0.8),
        ("vans", 0, None, None),
    ):
        lost = {"captured": 100, "processed": processed, "dropped": 100 - processed, "late": 0}
        judged = {"latency_p95_ms": latency, "agreement": agreement, "swaps": 0, "swap_ms": 0.0}
        QueryRollup.objects.create(box=fleet.box, query_id=fleet.query(name).id, **whole, **lost, **judged)
    fleet.query("silent")


def in_order(page: str, *names: str) -> list[str]:
    return sorted(names, key=lambda name: page.index(f">{name}</a>"))


@pytest.mark.parametrize(
    ("order", "expected", "said"),
    [
        ("lost", ["vans", "bikes", "cars", "silent"], "50.0 %"),
        ("slow", ["vans", "bikes", "cars", "silent"], "none in time"),
        ("agreement", ["bikes", "cars", "silent", "vans"], "80.0 %"),
        ("", ["bikes", "cars", "silent", "vans"], "By name"),
        ("nonsense", ["bikes", "cars", "silent", "vans"], "By name"),
    ],
)
def test_queries_are_sorted_by_what_was_measured(browser, words, added_up, order, expected, said):
    response = browser.get(reverse("dashboard:query-list"), {"order": order})
    assert in_order(response.content.decode(), *expected) == expected
    assert said in words(response)


@pytest.mark.parametrize("order", ["lost", "memory"])
def test_boxes_are_sorted_by_what_was_measured(browser, words, added_up, order):
    response = browser.get(reverse("dashboard:box-list"), {"order": order})
    assert in_order(response.content.decode(), "quay", "north gate") == ["quay", "north gate"]
    assert "90.0 %" in words(response)


def test_boxes_are_shown_by_their_state(browser, words, added_up, many_boxes):
    pending = browser.get(reverse("dashboard:box-list"), {"only": "pending"})
    assert ">quay</a>" not in pending.content.decode()
    assert 'href="?only=pending&amp;page=2">Next' in pending.content.decode()
    assert ">quay</a>" in browser.get(reverse("dashboard:box-list"), {"only": "connected"}).content.decode()
    Box.objects.update(is_connected=False)
    assert "No box is connected." in words(browser.get(reverse("dashboard:box-list"), {"only": "connected"}))
