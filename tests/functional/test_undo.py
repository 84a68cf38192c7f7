"""A person takes back what they have just done, from the message that says it."""

import html
import re
from datetime import timedelta

import pytest
from django.urls import reverse

from tests.functional.test_alerts import alert  # noqa: F401
from webapp.alerts.models import Receiver, Silence
from webapp.audit.models import AuditEvent
from webapp.fleets.models import Role


@pytest.fixture
def undo(browser):
    """Presses the button of the message on the page that an action led to."""

    def press(response):
        page = response.content.decode()
        form = re.search(
            r'<form method="post" action="([^"]+)"[^>]*>((?:(?!</form>).)*>Undo</button>)', page, re.DOTALL
        )
        assert form, "no Undo is offered"
        entered = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form[2]))
        entered = {name: html.unescape(value) for name, value in entered.items()}
        return browser.post(html.unescape(form[1]), entered, follow=True)

    return press


def test_takes_back_an_acknowledgement(browser, alert, undo):  # noqa: F811
    listed = "/alerts/?shown=all"
    acknowledge = reverse("alerts:alert-acknowledge", args=[alert.id])
    response = undo(browser.post(acknowledge, {"next": listed}, follow=True))
    alert.refresh_from_db()
    assert (alert.acknowledged_at, alert.acknowledged_by) == (None, None)
    assert response.redirect_chain[-1][0] == listed
    assert AuditEvent.objects.filter(action="alert.unacknowledge").count() == 1
    again = browser.post(reverse("alerts:alert-unacknowledge", args=[alert.id]), follow=True)
    assert "Nobody has acknowledged this alert." in again.content.decode()


def test_ends_a_silence_that_was_just_begun(browser, alert, undo, words):  # noqa: F811
    silence = reverse("alerts:alert-silence", args=[alert.id])
    response = undo(browser.post(silence, {"minutes": "120", "reason": ""}, follow=True))
    assert "No longer silenced" in words(response)
    made = Silence.objects.get()
    assert made.until - made.created_at < timedelta(minutes=119)
    assert "Silenced now" not in words(browser.get("/alerts/"))


def test_gives_a_role_back(browser, fleet, undo):
    person = fleet.member(Role.OPERATOR)
    undo(browser.post(reverse("people:member-remove", args=[fleet.site.id, person.pk]), follow=True))
    assert fleet.site.memberships.get(person=person).role == Role.OPERATOR


def test_switches_an_account_on_again(browser, fleet, undo):
    person = fleet.member(Role.VIEWER)
    response = browser.post(reverse("people:person-active", args=[person.pk]), {"value": "off"}, follow=True)
    person.refresh_from_db()
    assert not person.is_active
    undo(response)
    person.refresh_from_db()
    assert person.is_active


def test_tells_a_mail_address_again_and_offers_nothing_for_a_webhook(browser, fleet, undo):
    page = reverse("alerts:site-alerts", args=[fleet.site.id])
    browser.post(page, {"channel": "email", "address": "ada@example.org"})
    receiver = Receiver.objects.get()
    undo(browser.post(reverse("alerts:receiver-delete", args=[receiver.id]), follow=True))
    assert Receiver.objects.get().address == "ada@example.org"
    browser.post(page, {"channel": "webhook", "address": "http://10.0.0.1/hooks/T0"})
    webhook = Receiver.objects.get(channel="webhook")
    deleted = browser.post(reverse("alerts:receiver-delete", args=[webhook.id]), follow=True)
    assert ">Undo</button>" not in deleted.content.decode()
