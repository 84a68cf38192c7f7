"""Every page renders, without data and with it, and keeps to the content security policy."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import reverse

from demo.gallery.inspection import EVERY_RULE, RULES_OF_A_LOOK, Inspection
from demo.gallery.pages import ACCOUNT, SIGNED_OUT, our_pages
from webapp.fleets.models import Role

LISTS = {
    "dashboard:overview": "No boxes yet",
    "dashboard:box-list": "No boxes yet",
    "dashboard:camera-list": "No cameras yet",
    "dashboard:query-list": "No queries yet",
    "workloads:model-list": "No models yet",
    "workloads:dataset-list": "No data sets yet",
    "merges:run-list": "No merge runs yet",
    "merges:run-choose": "No boxes yet",
    "merges:group-list": "No merged groups yet",
    "rollouts:rollout-list": "No rollouts yet",
    "people:site-list": "No sites yet",
}

ACTIONS = ("resume", "abort", "roll-back")
OF_NO_PAGE = {"alert_id", "event_id", "receiver_id", "secret", "silence_id", "token_id"}
LEAST_PAGES = 50
NO_WEBSOCKET = ("/ws/live",)  # the test's server speaks none
# `make gallery` looks at every width in both schemes; here, each width and each scheme once. Every other page is gone
# through backwards, so that it is loaded as the one before was seen last.
LOOKS = ((1440, "light", EVERY_RULE), (768, "light", None), (390, "dark", RULES_OF_A_LOOK))


@pytest.mark.parametrize(("page", "title"), LISTS.items())
def test_an_empty_list_says_what_to_do_next(browser, words, page, title):
    response = browser.get(reverse(page))

    assert title in words(response)
    assert re.search(r'class="empty-action"><a href="/[^"]+"', response.content.decode())


@pytest.fixture
def ids(fleet) -> dict[str, Any]:
    """Something of every kind that an address can name."""
    queries = fleet.query("count cars"), fleet.query("count trucks")
    group = fleet.merged_group(*queries)
    rollout = fleet.rollout(group)
    named = {
        "box_id": fleet.box,
        "camera_id": fleet.camera,
        "dataset_id": fleet.dataset(),
        "group_id": group,
        "model_id": fleet.model,
        "person_id": fleet.member(Role.OPERATOR),
        "query_id": queries[0],
        "rollout_id": rollout,
        "run_id": group.run,
        "site_id": fleet.site,
    }
    return {name: subject.pk for name, subject in named.items()}


def test_every_page_is_whole_and_open_to_everybody(ids, chromium, session_cookie, live_server):
    """Errors, foreign origins, inline scripts, sideways scrolling and what axe-core calls serious, in one walk."""
    context = chromium.new_context()
    inspection = Inspection(context.new_page(), live_server.url, ignored=NO_WEBSOCKET)
    seen, problems = [], []
    for address in [reverse(SIGNED_OUT), *every_address(ids)]:
        answer = context.request.get(live_server.url + address, max_redirects=0)
        assert answer.status < 500, address
        if not is_page(answer.status, content := answer.text()):
            continue
        inspection.page.goto(live_server.url + address)
        seen.append(address)
        for width, scheme, rules in LOOKS if len(seen) % 2 else reversed(LOOKS):
            inspection.look(width, scheme, rules=rules)
        problems += [
            f"{address}: {found}"
            for found in (*inspection.take_problems(), *markup_problems(content, answer), *lost(address, content))
        ]
        context.add_cookies([session_cookie])  # signed in from the second page on

    assert not problems, "\n".join(problems)
    assert len(seen) >= LEAST_PAGES


def test_on_a_phone_the_menu_opens_and_cells_are_named_as_their_columns(open_page):
    page = open_page(reverse("dashboard:box-list"), width=390)
    cameras = page.get_by_role("link", name="Cameras", exact=True)
    menu = page.get_by_role("button", name="Show navigation")

    assert not cameras.is_visible()
    menu.click()
    assert cameras.is_visible()
    assert menu.get_attribute("aria-expanded") == "true"
    menu.click()
    assert not cameras.is_visible()
    cell = page.locator("table.table-stacked tbody td").nth(1)
    assert cell.get_attribute("data-label") == "State"
    page.set_viewport_size({"width": 300, "height": 700})  # too narrow for both badges beside each other
    lefts = [badge.bounding_box()["x"] for badge in cell.locator(".status").all()]
    assert len(lefts) > 1
    assert min(lefts) > 120, "what a cell says stands beside its label, all of it"


def every_address(ids: dict[str, Any]) -> Iterator[str]:
    """Without those whose arguments are of another kind than `ids`."""
    for page in our_pages():
        if page.asked:
            continue
        for action in ACTIONS if "action" in page.arguments else ("",):
            known = ids | {"action": action}
            if set(page.arguments) <= {*known}:
                yield page.address(known)
            else:
                assert {*page.arguments} & OF_NO_PAGE, f"{page.name}: how is it opened?"
    yield from map(reverse, ACCOUNT)


def is_page(status: int, content: str) -> bool:
    return status == 200 and "<title>" in content


def markup_problems(content: str, answer) -> Iterator[str]:
    if re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", content):
        yield "an inline script"
    if re.search(r"\son\w+=\"", content):
        yield "an inline handler"
    if "script-src 'self'" not in answer.headers["content-security-policy"]:
        yield "no content security policy"
    parts = re.findall(r"<[^>]*\sdata-refresh[\s>][^>]*>?", content)
    names = {match.group(1) for part in parts if (match := re.search(r'\sid="([^"]+)"', part))}
    if len(names) != len(parts):
        yield "a part that refetches itself has no name of its own to be found by"


def lost(address: str, content: str) -> Iterator[str]:
    """A page below one that the side bar names says where it belongs."""
    is_below = address.strip("/").count("/") > 0 and 'id="sidebar-menu"' in content
    if is_below and not re.search(r'class="page-pretitle"><a href="/', content):
        yield "no way back up"


@pytest.mark.parametrize("address", ["/boxes/?search=%00", "/search/?text=%00", "/api/v1/audit-events/?text=%00"])
def test_what_the_database_cannot_look_for_is_refused(browser, fleet, address):
    response = browser.get(address)

    assert response.status_code == 400
    assert "ull characters are not allowed" in str(response.content) or "character NUL" in str(response.content)


def test_an_address_of_nothing_is_a_page(browser, words):
    response = browser.get("/nowhere/")

    assert response.status_code == 404
    assert "There is no page at this address." in words(response)
