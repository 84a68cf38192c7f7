"""The overview as it is laid out: on a wide screen neither column ends long before the other."""

from typing import Any

from django.urls import reverse
from django.utils import timezone

from webapp.workloads.models import CheckState, Model

EVENTS = "#lately .list-group"
MEASURE = """() => {
  const bottom = (name) => Math.round(document.querySelector(name).getBoundingClientRect().bottom);
  return { main: bottom(".overview-main"), urgent: bottom(".overview-urgent"), lately: bottom("#lately") };
}"""


def fail(fleet: Any, models: int) -> None:
    """As many sentences under "Needs attention"."""
    for number in range(models):
        now, name = timezone.now(), f"model {number}"
        Model.objects.create(site=fleet.site, name=name, state=CheckState.REJECTED, problem="No.", created_at=now)


def test_what_happened_lately_fills_the_column_that_has_room(fleet: Any, open_page: Any) -> None:
    overview = reverse("dashboard:overview")

    page = open_page(overview)
    calm = page.evaluate(MEASURE)
    assert calm["lately"] >= calm["main"]
    assert page.locator(EVENTS).get_attribute("tabindex") == "0"  # scrolled by keyboard, too

    fail(fleet, 7)
    page.reload()
    busy = page.evaluate(MEASURE)
    assert busy["main"] < busy["lately"] == busy["urgent"]


def test_on_a_wall_screen_the_page_grows_with_it(fleet: Any, open_page: Any) -> None:
    page = open_page(reverse("dashboard:overview"), width=3840)

    width = page.evaluate("() => document.querySelector('.page-body > .container-xl').clientWidth")
    tile = page.evaluate("() => document.querySelector('[data-camera-tile]').clientWidth")
    assert width > 2400
    assert tile < width / 5
