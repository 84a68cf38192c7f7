"""An operator finds out what is wrong, takes care of it, and has a site's people told."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.functional.test_rest_api import Program
from webapp.alerts.models import Alert, AlertKind, Delivery, Receiver, Silence
from webapp.fleets.models import Role


@pytest.fixture
def alert(fleet) -> Alert:
    now = timezone.now()
    return Alert.objects.create(
        site=fleet.site,
        kind=AlertKind.BOX_OFFLINE,
        subject_type="box",
        subject_id=fleet.box.id,
        subject_name="north gate",
        sentence="The server has heard nothing from north gate.",
        noticed_at=now - timedelta(minutes=3),
        opened_at=now - timedelta(minutes=2),
    )


LIST = "/alerts/"


def test_nothing_wrong_says_so(browser, fleet, words):
    page = words(browser.get(LIST))
    assert "Nothing is wrong" in page


def test_shows_what_is_wrong_counts_it_and_leads_to_it(browser, alert, words):
    response = browser.get(LIST)
    assert "The server has heard nothing from north gate." in words(response)
    assert f'href="{reverse("dashboard:box-detail", args=[alert.subject_id])}"' in response.content.decode()
    assert 'title="1 not handled yet"' in response.content.decode()


def test_finds_by_words_state_and_kind(browser, alert, words):
    assert "heard nothing from north gate" in words(browser.get(LIST, {"text": "gate nothing"}))
    assert "Nothing was found" in words(browser.get(LIST, {"text": "south"}))
    assert "Nothing was found" in words(browser.get(LIST, {"kind": AlertKind.CAMERA_DEAD}))
    assert "heard nothing" not in words(browser.get(LIST, {"shown": "closed"}))


def test_acknowledging_takes_it_from_the_count_and_says_who(browser, alert, words):
    page = browser.post(f"{LIST}{alert.id}/acknowledge/", {"next": "/alerts/?shown=open"}, follow=True)
    assert "acknowledged by ada" in words(page)
    assert "not handled yet" not in page.content.decode()


def test_silencing_lasts_as_long_as_was_chosen_and_can_be_ended(browser, alert, words):
    page = words(browser.post(f"{LIST}{alert.id}/silence/", {"minutes": "120", "reason": "new switch"}, follow=True))
    assert "Silenced now north gate: box offline new switch" in page
    silence = Silence.objects.get()
    assert timedelta(minutes=119) < silence.until - timezone.now() <= timedelta(minutes=120)
    page = words(browser.post(f"/silences/{silence.id}/end/", follow=True))
    assert "No longer silenced: north gate: box offline." in page


def test_never_leads_to_another_server(browser, alert):
    answer = browser.post(f"{LIST}{alert.id}/acknowledge/", {"next": "//evil.example/"})
    assert answer["Location"] == LIST


def test_a_viewer_looks_and_does_not_handle(fleet, alert, client_of, words):
    viewer = client_of(fleet.member(Role.VIEWER))
    assert "Acknowledge" not in words(viewer.get(LIST))
    viewer.post(f"{LIST}{alert.id}/acknowledge/")
    alert.refresh_from_db()
    assert alert.acknowledged_at is None
    assert viewer.get(f"/sites/{fleet.site.id}/alerts/").status_code == 403


def test_an_administrator_says_who_is_told(browser, fleet, words):
    address = f"/sites/{fleet.site.id}/alerts/"
    page = words(browser.post(address, {"channel": "email", "address": "ada@example.org"}, follow=True))
    assert "ada@example.org is told of alerts of harbour" in page
    page = words(browser.post(address, {"channel": "webhook", "address": "http://10.0.0.1/hooks/T0"}))
    assert "whsec_" in page
    assert "whsec_" not in words(browser.get(address))
    refused = words(browser.post(address, {"channel": "webhook", "address": "http://169.254.169.254/meta"}))
    assert "no webhook may go" in refused
    assert Receiver.objects.count() == 2
    receiver = Receiver.objects.get(channel="email")
    browser.post(f"/alert-receivers/{receiver.id}/test/")
    assert Delivery.objects.get().kind == "test"
    browser.post(f"/alert-receivers/{receiver.id}/delete/")
    assert Receiver.objects.count() == 1


def test_a_program_does_the_same(fleet, alert, person):
    program = Program(person)
    assert program("get", "/alerts/?shown=new").json()["count"] == 1
    assert program("post", f"/alerts/{alert.id}/silence/", {"minutes": 30}).status_code == 201
    assert program("get", "/alerts/?shown=new").json()["count"] == 0
    silence = program("get", "/silences/").json()["results"][0]
    assert program("delete", f"/silences/{silence['id']}/").status_code == 204
    assert program("post", f"/alerts/{alert.id}/acknowledge/").status_code == 204
    made = program("post", "/alert-receivers/", {"site": fleet.site.pk, "channel": "email", "address": "a@b.example"})
    assert made.status_code == 201
    assert program("post", f"/alert-receivers/{made.json()['id']}/test/").status_code == 204
    assert program("delete", f"/alert-receivers/{made.json()['id']}/").status_code == 204
