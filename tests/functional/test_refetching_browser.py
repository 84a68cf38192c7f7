"""The parts of a page that fetch themselves again, in a real browser."""

import pytest
from django.urls import reverse

SPOIL = """() => document.querySelectorAll("[data-refresh] h2, [data-refresh] .subheader").forEach(
    (heading) => { heading.textContent = "spoilt"; })"""
CHANGED = """() => { const topic = document.querySelector("[data-refresh]").dataset.live.split(" ")[0];
    document.dispatchEvent(new CustomEvent("live:changed", { detail: { topic } })); }"""


@pytest.fixture
def watched(fleet, open_page):
    fleet.query("cars")
    return lambda: open_page(reverse("dashboard:overview"))


def test_all_parts_of_a_page_are_fetched_again_by_one_request(watched):
    page = watched()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.resource_type == "xhr" else None)
    page.evaluate(SPOIL)
    assert page.get_by_text("spoilt", exact=True).count() > 2

    page.evaluate(CHANGED)
    page.wait_for_function("() => !document.querySelector('main').innerText.includes('spoilt')")

    assert len(asked) == 1
