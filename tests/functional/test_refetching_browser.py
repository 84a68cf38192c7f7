"""The parts of a page that fetch themselves again, in a real browser."""

import pytest
from django.urls import reverse

SPOIL = """() => document.querySelectorAll("[data-refresh] h2, [data-refresh] .subheader").forEach(
    (heading) => { heading.textContent = "spoilt"; })"""
CHANGED = """() => { const topic = document.querySelector("[data-refresh]").dataset.live.split(" ")[0];
    document.dispatchEvent(new CustomEvent("live:changed", { detail: { topic } })); }"""
MENDED = "() => !document.querySelector('main').innerText.includes('spoilt')"


@pytest.fixture
def watched(fleet, open_page):
    fleet.query("cars")
    return lambda: open_page(reverse("dashboard:overview"))


def test_all_parts_of_a_page_are_fetched_again_by_one_request(watched):
    page = watched()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.resource_type == "fetch" else None)
    page.evaluate(SPOIL)
    assert page.get_by_text("spoilt", exact=True).count() > 2

    page.evaluate(CHANGED)
    page.wait_for_function(MENDED)

    assert len(asked) == 1


def test_an_answer_is_let_go_of_and_its_pictures_are_not_loaded_again(watched):
    page = watched()
    page.locator("[data-widget=camera-wall] img").evaluate("(image) => image.removeAttribute('src')")
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable")
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url) if request.resource_type == "image" else None)

    def nodes_after_a_refetch() -> int:
        page.evaluate(SPOIL)
        page.evaluate(CHANGED)
        page.wait_for_function(MENDED)
        devtools.send("HeapProfiler.collectGarbage")
        metrics = devtools.send("Performance.getMetrics")["metrics"]
        return next(metric["value"] for metric in metrics if metric["name"] == "Nodes")

    first = nodes_after_a_refetch()
    growth = [nodes_after_a_refetch() - first for _ in range(3)][-1]

    assert growth < page.locator("*").count()
    assert not loaded


def test_a_page_to_sign_in_at_takes_nothing_away(watched):
    page = watched()
    page.context.clear_cookies()

    with page.expect_response(lambda response: reverse("account_login") in response.url):
        page.evaluate(CHANGED)
    page.wait_for_timeout(200)

    assert page.locator("#figures").is_visible()


def test_a_part_that_is_on_its_way_is_outlined_and_says_so_when_it_does_not_come(fleet, open_page):
    address = reverse("dashboard:box-detail", args=[fleet.box.id])
    page = open_page(address)
    part = page.locator("#keeps-up")
    part.locator("[data-skeleton]").wait_for(state="detached")  # it came

    page.route("**/forecast/", lambda route: route.fulfill(status=500))
    page.goto(page.url)

    part.get_by_text("This part could not be fetched. Load the page again.").wait_for()
    assert "placeholder-glow" not in part.locator("[data-skeleton]").get_attribute("class")
