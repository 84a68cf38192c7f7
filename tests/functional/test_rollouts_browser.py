"""Rollouts in a real browser: choosing boxes, and pages that fit a desktop and a phone."""

from typing import Any

import pytest
from django.urls import reverse

from webapp.merges.models import MergedGroup
from webapp.rollouts.models import Rollout

playwright_api = pytest.importorskip("playwright.sync_api")

WIDTHS = {"desktop": 1440, "phone": 390}


@pytest.fixture
def group(fleet: Any) -> MergedGroup:
    return fleet.merged_group(fleet.query("a query with a rather long name"), fleet.query("trucks"))


@pytest.fixture
def rollout(fleet: Any, group: MergedGroup) -> Rollout:
    found = fleet.rollout(group, "succeeded", "updating", "failed", "waiting")
    fleet.other_box("east gate", "cars", "trucks")
    fleet.other_box("west gate", "cars", "trucks")
    return found


def test_chooses_the_boxes_whose_name_has_what_was_entered(rollout: Rollout, open_page: Any) -> None:
    page = open_page(reverse("rollouts:rollout-start", args=[rollout.group_id]))
    playwright_api.expect(page.locator("[data-chosen]")).to_have_text("2 of 2 chosen, 2 shown.")  # its script has come
    page.get_by_role("button", name="Choose none").click()
    page.get_by_label("Show boxes whose name has").fill("EAST")
    page.get_by_role("button", name="Choose shown").click()

    playwright_api.expect(page.locator("[data-chosen]")).to_have_text("1 of 2 chosen, 1 shown.")
    assert page.get_by_label("east gate").is_checked()
    page.get_by_label("Show boxes whose name has").fill("")
    assert not page.get_by_label("west gate").is_checked()


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_no_page_of_rollouts_scrolls_sideways(rollout: Rollout, open_page: Any, width: int) -> None:
    addresses = [
        reverse("rollouts:rollout-list"),
        reverse("rollouts:rollout-detail", args=[rollout.id]),
        reverse("rollouts:rollout-start", args=[rollout.group_id]),
        reverse("rollouts:rollout-confirm", args=[rollout.id, "roll-back"]),
    ]
    for address in addresses:
        page = open_page(address, width)
        page.wait_for_load_state("networkidle")
        root = "document.documentElement"
        assert page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth"), address
