"""Pages in another language: nothing that they say themselves is left in English."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from tests.functional.marked_texts import LANGUAGE, left_in_english, marked_script_texts, marked_texts, write_catalogue
from webapp.fleets.models import Role

# What people and machines named, units, and what is the same in every language.
DATA = re.compile(
    r"\b(north gate|entry|vehicles|count (cars|trucks)|harbour|ada|operator|box 1|exit|edge-1|Some CPU|Linux|morning"
    r"|Gemel Fleet|rtsp://\S+|7\.jpg|squeezenet1_1|features\.0|head|Conv2d|Linear|car|truck|bus|classification"
    r"|[KMG]iB|min|px|ms|UTC|CSV|cpu)\b"
)


@pytest.fixture
def ids(fleet: Any) -> dict[str, Any]:
    queries = fleet.query("count cars"), fleet.query("count trucks")
    group = fleet.merged_group(*queries)
    fleet.disagreement(group.members.all()[0])
    fleet.dataset()
    fleet.member(Role.OPERATOR)
    return {
        "box_id": fleet.box.id,
        "camera_id": fleet.camera.id,
        "group_id": group.id,
        "model_id": fleet.model.id,
        "query_id": queries[0].id,
        "run_id": group.run_id,
        "site_id": fleet.site.id,
    }


PAGES = {
    "dashboard:overview": (),
    "dashboard:box-list": (),
    "dashboard:box-detail": ("box_id",),
    "dashboard:camera-detail": ("camera_id",),
    "dashboard:query-detail": ("query_id",),
    "merges:group-detail": ("group_id",),
    "merges:run-detail": ("run_id",),
    "merges:run-start": ("box_id",),
    "people:site-detail": ("site_id",),
    "workloads:model-detail": ("model_id",),
    "workloads:query-add": (),
    "alerts:site-alerts": ("site_id",),
}


@pytest.fixture
def other_language(settings: Any, tmp_path: Path) -> None:
    write_catalogue(tmp_path, marked_texts())
    write_catalogue(tmp_path, marked_script_texts(), "djangojs")
    settings.LOCALE_PATHS = [tmp_path]
    settings.LANGUAGES = [("en", "English"), (LANGUAGE, "Brackets")]


def test_pages_leave_nothing_in_english(browser: Any, ids: dict[str, Any], other_language: None) -> None:
    left = {}
    for page, names in PAGES.items():
        answer = browser.get(reverse(page, args=[ids[name] for name in names]), headers={"accept-language": LANGUAGE})
        html = answer.content.decode()
        assert f'<html lang="{LANGUAGE}">' in html
        if found := left_in_english(html, DATA):
            left[page] = found

    assert not left, "\n".join(f"{page}: {text}" for page, texts in left.items() for text in texts)


def test_scripts_leave_nothing_in_english(
    ids: dict[str, Any], other_language: None, chromium: Any, session_cookie: Any, live_server: Any
) -> None:
    context = chromium.new_context(locale=LANGUAGE)
    context.add_cookies([session_cookie])
    page, left = context.new_page(), {}
    for name in ("dashboard:box-detail", "dashboard:camera-detail", "merges:run-detail"):
        page.goto(live_server.url + reverse(name, args=[ids[argument] for argument in PAGES[name]]))
        page.wait_for_selector("[data-live-status][data-state]")
        page.wait_for_load_state("networkidle")
        if found := left_in_english(page.content(), DATA):
            left[name] = found

    assert not left


def test_without_another_language_every_page_is_english(browser: Any, fleet: Any) -> None:
    answer = browser.get(reverse("dashboard:box-list"), headers={"accept-language": "de"})

    assert '<html lang="en">' in answer.content.decode()
    assert "Boxes" in answer.content.decode()
