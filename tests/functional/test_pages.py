"""Every page renders, without data and with it, and keeps to the content security policy."""

import re

import pytest
from django.urls import reverse

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


@pytest.mark.parametrize(("page", "title"), LISTS.items())
def test_an_empty_list_says_what_to_do_next(browser, words, page, title):
    response = browser.get(reverse(page))

    assert title in words(response)
    assert re.search(r'class="empty-action"><a href="/[^"]+"', response.content.decode())


@pytest.fixture
def addresses(fleet) -> list[str]:
    queries = fleet.query("count cars"), fleet.query("count trucks")
    group = fleet.merged_group(*queries)
    rollout = fleet.rollout(group)
    dataset = fleet.dataset()
    of = {
        "dashboard:box-detail": fleet.box,
        "dashboard:camera-detail": fleet.camera,
        "dashboard:query-detail": queries[0],
        "fleets:box-join": fleet.box,
        "fleets:box-renew": fleet.box,
        "people:site-detail": fleet.site,
        "people:site-edit": fleet.site,
        "people:person-detail": fleet.member(Role.OPERATOR),
        "fleets:camera-delete": fleet.camera,
        "workloads:model-detail": fleet.model,
        "workloads:model-delete": fleet.model,
        "workloads:dataset-detail": dataset,
        "merges:run-start": fleet.box,
        "merges:run-detail": group.run,
        "merges:group-detail": group,
        "rollouts:rollout-start": group,
        "rollouts:rollout-detail": rollout,
    }
    people = ("people:person-list", "people:person-invite", "dashboard:audit-log")
    forms = (
        *people,
        "fleets:camera-add",
        "workloads:model-add",
        "workloads:dataset-request",
        "workloads:dataset-upload",
    )
    plain = [reverse(name) for name in (*LISTS, *forms) if name != "merges:run-choose"]
    confirmations = [
        reverse("rollouts:rollout-confirm", args=[rollout.id, action]) for action in ("resume", "abort", "roll-back")
    ]
    return plain + [reverse(name, args=[subject.pk]) for name, subject in of.items()] + confirmations


def test_every_page_renders_without_inline_script_or_foreign_origin(browser, addresses):
    for address in addresses:
        response = browser.get(address)
        content = response.content.decode()
        assert response.status_code == 200, address
        inline = re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", content)
        assert not inline, address
        assert not re.search(r"\son\w+=\"|(?:src|href)=\"https?://", content), address
        assert "script-src 'self'" in response.headers["Content-Security-Policy"]


def test_every_part_that_refetches_itself_has_a_name_to_be_found_by(browser, addresses):
    for address in addresses:
        content = browser.get(address).content.decode()
        parts = re.findall(r"<[^>]*\sdata-refresh[\s>][^>]*>?", content)
        names = [match.group(1) for part in parts if (match := re.search(r'\sid="([^"]+)"', part))]
        assert len(names) == len(parts), address
        assert len(set(names)) == len(names), address


def test_every_field_of_a_form_has_a_label(browser, addresses):
    for address in addresses:
        content = browser.get(address).content.decode()
        labels = set(re.findall(r'<label[^>]* for="([^"]+)"', content))
        fields = re.findall(r'<(?:input|select|textarea)(?![^>]*type="(?:hidden|checkbox)")[^>]*>', content)
        named = {match.group(1) for field in fields if (match := re.search(r'\bid="([^"]+)"', field))}
        assert len(named) == len(fields), address
        assert named <= labels, address


def test_an_address_of_nothing_is_a_page(browser, words):
    response = browser.get("/nowhere/")

    assert response.status_code == 404
    assert "There is no page at this address." in words(response)
