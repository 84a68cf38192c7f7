"""An administrator looks up how the installation is set up, and finds where a site's settings are changed."""

import pytest
from django.urls import reverse

from webapp.common.signing_key import signing_key
from webapp.fleets.models import Role


@pytest.fixture(autouse=True)
def _own_keys(settings, tmp_path):
    settings.VAR_DIR = tmp_path


def test_says_what_is_set_and_who_decides_it_and_never_a_secret(browser, fleet, words, settings):
    settings.EMAIL_HOST_IS_SET, settings.EMAIL_HOST, settings.EMAIL_PORT = True, "mail.example.org", 587
    settings.EMAIL_HOST_PASSWORD = "mail-secret"
    response = browser.get(reverse("dashboard:settings"))
    page = words(response)
    for said in (
        "Statistics as sent 7 days",
        "Statistics per hour 400 days",
        "Asks for its target state every 10 s",
        "Version of the box’s runtime 0.1.0: 1",
        "Mail server mail.example.org:587 EMAIL_URL",
        "Somebody else than who asked for it" if not fleet.site.requester_may_approve else "also who asked for it",
    ):
        assert said in page
    content = response.content.decode()
    listed = browser.get("/api/v1/settings/")
    assert {one["variable"]: one["value"] for one in listed.json()}["GEMEL_POLL_S"] == "10 s"
    content += listed.content.decode()
    for secret in (signing_key(), settings.SECRET_KEY, settings.EMAIL_HOST_PASSWORD):
        assert secret not in content
    assert reverse("people:site-edit", args=[fleet.site.id]) in content


def test_an_administrator_of_a_site_sees_that_site_only(fleet, client_of, words):
    page = words(client_of(fleet.member(Role.ADMINISTRATOR)).get(reverse("dashboard:settings")))
    assert "harbour" in page
    assert "Of the installation" not in page


def test_a_program_of_a_sites_administrator_is_told_nothing_of_the_installation(fleet, client_of):
    assert client_of(fleet.member(Role.ADMINISTRATOR)).get("/api/v1/settings/").status_code == 403


def test_who_administers_nothing_is_refused(fleet, client_of):
    assert client_of(fleet.member(Role.APPROVER)).get(reverse("dashboard:settings")).status_code == 403
