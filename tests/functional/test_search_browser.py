"""The command palette in a real browser: by keyboard, by touch."""

import pytest
from django.urls import reverse

playwright_api = pytest.importorskip("playwright.sync_api")
expect = playwright_api.expect

pytestmark = pytest.mark.django_db(transaction=True)


def test_is_used_by_the_keyboard_alone(open_page, fleet):
    page = open_page(reverse("dashboard:overview"))
    field = page.get_by_role("combobox", name="Search everything")
    page.keyboard.press("Control+k")
    expect(field).to_be_focused()
    chosen = page.locator("[role=option][aria-selected=true]")
    expect(chosen).to_have_text("Add a box")
    page.keyboard.press("ArrowDown")
    expect(chosen).to_have_text("Add a camera")
    expect(field).to_have_attribute("aria-activedescendant", chosen.get_attribute("id"))
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(chosen).to_have_text("Your password and second factor")

    page.keyboard.type("entry")
    expect(chosen).to_contain_text("entry")
    page.keyboard.press("Enter")
    page.wait_for_url("**" + reverse("dashboard:camera-detail", args=[fleet.camera.id]))

    page.locator("#palette[data-started]").wait_for(state="attached")
    page.keyboard.press("/")
    expect(field).to_be_focused()
    page.keyboard.type("zebra")
    expect(page.locator("#palette-options")).to_contain_text("Nothing that you may see")
    page.keyboard.press("Escape")
    expect(field).to_be_hidden()


def test_is_used_by_touch_on_a_phone(open_page, fleet):
    page = open_page(reverse("dashboard:box-list"), 390)
    page.get_by_role("link", name="Search everything").click()
    page.get_by_role("combobox", name="Search everything").fill("north")
    page.get_by_role("option", name="north gate").first.click()
    page.wait_for_url("**" + reverse("dashboard:box-detail", args=[fleet.box.id]))
