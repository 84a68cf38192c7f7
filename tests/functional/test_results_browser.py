"""Results in a real browser: bars drawn out of stored counts, pictures of events large, and new ones that come by."""

import io
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from edge_runtime.protocol.messages import EventReport
from webapp.results.models import Event, MinuteCount
from webapp.results.services import event_record

playwright_api = pytest.importorskip("playwright.sync_api")
PHONE = 390


def picture(colour: str) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (640, 360), colour).save(written, "JPEG")
    return written.getvalue()


def tell(query: Any, label: str, minutes_ago: float) -> str:
    at = (timezone.now() - timedelta(minutes=minutes_ago)).timestamp()
    event, area = str(uuid.uuid4()), (0.1, 0.2, 0.3, 0.4)
    told = EventReport(event, str(query.id), str(query.camera_id), "appeared", label, at, at + 3, 0.9, area)
    event_record(box=query.camera.box, report=told, picture=picture("grey"), now=timezone.now())
    return event


def come_by(label: str) -> uuid.UUID:
    """As an event while the page is open: Playwright's loop leaves no way to publish."""
    event = Event.objects.latest("at")
    event.id, event.label, event.at = uuid.uuid4(), label, timezone.now()
    event.save(force_insert=True)
    return event.id


@pytest.fixture
def query(fleet: Any) -> Any:
    query = fleet.query("count cars")
    minute = timezone.now().replace(second=0, microsecond=0)
    for ago, cars in ((30, 3), (29, 5), (2, 2)):
        MinuteCount.objects.create(
            camera=fleet.camera,
            query_id=query.id,
            minute=minute - timedelta(minutes=ago),
            frames=100,
            appeared={"car": cars, "truck": 1},
            present={"car": 50.0},
        )
    for ago, label in ((20, "car"), (10, "truck")):
        tell(query, label, ago)
    return query


@pytest.fixture
def address(query: Any) -> str:
    return reverse("dashboard:query-detail", args=[query.id]) + "?span=1h"


def test_bars_stand_on_each_other_and_each_says_what_it_is(query: Any, address: str, open_page: Any) -> None:
    page = open_page(address)
    chart = page.locator(f"#counts-{query.id}")
    playwright_api.expect(chart.locator("canvas")).to_have_count(1)
    drawn = page.evaluate(
        """async (id) => {
          const { stacked } = await import("/static/gemel/js/widgets/count_chart.js");
          return stacked(JSON.parse(document.getElementById(id).textContent));
        }""",
        f"counts-data-{query.id}",
    )
    _, total, cars = drawn
    assert [value for value in cars if value is not None] == [3, 5, 2]
    assert [value for value in total if value is not None] == [4, 6, 3]
    plot = chart.locator(".u-over")
    size = plot.bounding_box()
    bar = next(index for index, value in enumerate(cars) if value == 5)
    plot.hover(position={"x": size["width"] * (bar + 0.5) / 60, "y": 20})
    playwright_api.expect(chart.locator(".chart-readout")).to_contain_text("car 5, truck 1")
    plot.hover(position={"x": size["width"] * 0.5 / 60, "y": 20})
    playwright_api.expect(chart.locator(".chart-readout")).to_contain_text("not measured")


def test_a_new_event_comes_by_itself_and_pictures_open_large(query: Any, address: str, open_page: Any) -> None:
    page = open_page(address)
    playwright_api.expect(page.locator("figure.event")).to_have_count(2)
    new = come_by("bus")
    page.evaluate(
        "topic => document.dispatchEvent(new CustomEvent('live:event', { detail: { topic } }))",
        f"camera:{query.camera_id}",
    )
    playwright_api.expect(page.locator("figure.event")).to_have_count(3)

    page.locator(f"#event-{new} a[data-event-picture]").click()
    dialog = page.locator("dialog.event-dialog")
    playwright_api.expect(dialog.locator(".event-caption")).to_contain_text("bus")
    assert dialog.locator("img").evaluate("picture => picture.decode().then(() => picture.naturalWidth)") == 640
    page.keyboard.press("ArrowRight")
    playwright_api.expect(dialog.locator(".event-caption")).to_contain_text("truck")
    page.keyboard.press("Escape")
    playwright_api.expect(dialog).to_be_hidden()


def test_no_page_of_results_scrolls_sideways_on_a_phone(query: Any, address: str, open_page: Any) -> None:
    for shown in (address, reverse("dashboard:camera-detail", args=[query.camera_id])):
        page = open_page(shown, PHONE)
        page.wait_for_load_state("networkidle")
        root = "document.documentElement"
        assert page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth"), shown
