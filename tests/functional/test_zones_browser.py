"""Drawing a zone in a real browser: with the pointer, on the keyboard, as numbers; and seeing it on the query page."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse

from webapp.workloads.models import Query

playwright_api = pytest.importorskip("playwright.sync_api")
expect = playwright_api.expect

WIDTHS = {"desktop": 1440, "phone": 390}


@pytest.fixture
def pictured(fleet: Any) -> Any:
    """The fleet with a detector, and a camera whose last picture is 640 x 360."""
    fleet.model.task = "detection"
    fleet.model.save()
    picture = np.full((360, 640, 3), 90, np.uint8)
    fleet.camera.picture = default_storage.save("still.jpg", ContentFile(cv2.imencode(".jpg", picture)[1].tobytes()))
    fleet.camera.width, fleet.camera.height = 640, 360
    fleet.camera.save()
    return fleet


def _add_page(open_page: Callable[..., Any], fleet: Any, width: int) -> Any:
    page = open_page(f"{reverse('workloads:query-add')}?camera={fleet.camera.id}&model={fleet.model.id}", width)
    page.locator("[data-stage].is-active").scroll_into_view_if_needed()
    return page


def _press(page: Any, x: float, y: float) -> None:
    """On the stage, at fractions of it."""
    box = page.locator("[data-stage]").bounding_box()
    page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])


def _corners(page: Any) -> list[list[float]]:
    text = page.locator("#id_zone").input_value()
    return [[float(value) for value in corner.split(",")] for corner in text.split()]


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_a_zone_is_drawn_changed_and_kept(open_page: Callable[..., Any], pictured: Any, width: int) -> None:
    page = _add_page(open_page, pictured, width)
    said, handles = page.locator("[data-zone-words]"), page.locator(".zone-corner")
    expect(said).to_have_text("No zone: the whole picture counts.")

    for x, y in ((0.2, 0.4), (0.8, 0.4), (0.8, 0.9)):
        _press(page, x, y)
    _press(page, 0.2, 0.9)  # into the edge that is nearest: back to the first corner
    assert _corners(page) == [pytest.approx(corner, abs=0.5) for corner in ([20, 40], [80, 40], [80, 90], [20, 90])]
    expect(said).to_have_text("Zone of 4 corners, 30 % of the picture.")

    handles.nth(1).hover()
    page.mouse.down()
    box = page.locator("[data-stage]").bounding_box()
    page.mouse.move(box["x"] + 2 * box["width"], box["y"] + 0.5 * box["height"], steps=3)
    page.mouse.up()
    assert _corners(page)[1] == pytest.approx([100, 50], abs=0.5)  # never outside the picture

    handles.nth(0).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    assert _corners(page)[0] == pytest.approx([21, 45], abs=0.5)
    page.keyboard.press("Delete")
    expect(handles).to_have_count(3)

    page.locator("#id_name").fill("cars below")
    page.get_by_role("button", name="Add query").click()
    expect(page.locator(".zone-overlay polygon")).to_have_count(1)
    drawn = page.locator(".zone-overlay polygon").bounding_box()
    frame = page.locator(".live-picture").bounding_box()
    assert drawn["x"] + drawn["width"] == pytest.approx(frame["x"] + frame["width"], abs=5)
    assert len(Query.objects.get().zone) == 3
    root = "document.documentElement"
    assert page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth")


def test_a_zone_is_made_without_a_pointer_and_cleared(open_page: Callable[..., Any], pictured: Any) -> None:
    page = _add_page(open_page, pictured, WIDTHS["desktop"])
    said = page.locator("[data-zone-words]")

    page.get_by_role("button", name="Add a corner").press("Enter")
    expect(said).to_have_text("Zone of 4 corners, 25 % of the picture.")
    page.get_by_role("button", name="Add a corner").press("Enter")
    expect(page.get_by_role("button", name="Corner 2 at 50, 40 percent")).to_be_focused()
    page.get_by_role("button", name="Remove corner").press("Enter")
    expect(page.locator(".zone-corner")).to_have_count(4)

    page.get_by_text("Corners as numbers").click()
    page.locator("#id_zone").fill("0,0 100,100 100,0 0,100")
    expect(said).to_contain_text("edges cross")
    page.get_by_role("button", name="Clear zone").press("Enter")
    expect(said).to_have_text("No zone: the whole picture counts.")
    assert _corners(page) == []


def test_what_is_drawn_stays_when_another_model_is_chosen(open_page: Callable[..., Any], pictured: Any) -> None:
    page = _add_page(open_page, pictured, WIDTHS["desktop"])
    page.get_by_role("button", name="Add a corner").press("Enter")
    drawn = _corners(page)
    with page.expect_response(lambda response: reverse("workloads:query-zone") in response.url):
        page.locator("#id_model").select_option("")
    expect(page.locator("[data-stage].is-active .zone-corner")).to_have_count(4)
    assert _corners(page) == drawn
