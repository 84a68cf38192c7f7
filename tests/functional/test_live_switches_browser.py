"""What each query found is drawn on a camera's live picture, and can be switched off, in a real browser."""

from typing import Any

import pytest
from django.urls import reverse

playwright_api = pytest.importorskip("playwright.sync_api")

SEND = """([camera, answers]) => new Promise((resolve) => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 180 });
  canvas.getContext("2d").fillRect(0, 0, 320, 180);
  canvas.toBlob((blob) => {
    const detail = { camera, at: Date.now() / 1000, blob, ...(answers && { answers }) };
    document.querySelector("[data-widget=camera-view]").dispatchEvent(new CustomEvent("live:preview", { detail }));
    setTimeout(resolve, 50);
  }, "image/jpeg");
})"""


@pytest.fixture
def queries(fleet: Any) -> Any:
    return [fleet.query("cars"), fleet.query("light")]


def test_draws_what_each_query_found_and_hides_it(fleet: Any, queries: Any, open_page: Any) -> None:
    cars, light = (str(query.id) for query in queries)
    page = open_page(reverse("dashboard:camera-detail", args=[fleet.camera.id]))
    view = page.locator("[data-widget=camera-view]")
    switch = page.get_by_role("checkbox", name="cars")
    playwright_api.expect(switch).to_be_disabled()
    zone = [[0, 0], [1, 0], [1, 1]]
    answers = [
        {
            "query": cars,
            "name": "cars",
            "finds": [{"label": "car", "score": 0.87, "box": [0, 0.5, 0.5, 1]}],
            "zone": zone,
        },
        {"query": light, "name": "light", "finds": [{"label": "night", "score": 0.9}]},
    ]
    camera = str(fleet.camera.id)
    playwright_api.expect(view.locator("svg.live-overlay")).to_be_attached()
    page.evaluate(SEND, [camera, answers])
    said, boxes = view.locator(".live-overlay text"), view.locator(".live-overlay rect")
    playwright_api.expect(said).to_have_text(["car 87 %", "light: night 90 %"])
    assert boxes.count() == view.locator(".live-overlay polygon").count() == 1
    assert view.locator(".live-overlay").get_attribute("viewBox") == "0 0 320 180"

    switch.uncheck()
    assert said.all_text_contents() == ["light: night 90 %"]
    page.evaluate(SEND, [camera, answers])
    assert boxes.count() == 0
    switch.check()
    assert boxes.count() == 1

    page.evaluate(SEND, [camera, None])  # drawn by the box for somebody else
    assert view.get_attribute("data-frames") == "2"


def test_a_box_of_an_older_version_draws_everything_itself(fleet: Any, queries: Any, open_page: Any) -> None:
    page = open_page(reverse("dashboard:camera-detail", args=[fleet.camera.id]))
    playwright_api.expect(page.locator("svg.live-overlay")).to_be_attached()
    page.evaluate(SEND, [str(fleet.camera.id), None])
    view = page.locator("[data-widget=camera-view]")
    assert view.get_attribute("data-frames") == "1"
    assert view.locator(".live-overlay rect").count() == 0
    playwright_api.expect(page.get_by_role("checkbox", name="cars")).to_be_disabled()
