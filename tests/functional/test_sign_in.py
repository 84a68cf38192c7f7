"""Signing in, with the one-time password at first, and out again."""

import pytest
from django.test import Client
from django.urls import reverse

from webapp.accounts.models import Person

PAGES = ["dashboard:overview", "dashboard:box-list", "workloads:model-list", "merges:group-list", "fleets:box-add"]


@pytest.mark.django_db
@pytest.mark.parametrize("page", PAGES)
def test_sends_strangers_to_sign_in(client, page):
    response = client.get(reverse(page))

    assert response.status_code == 302
    assert response.url.startswith(reverse("accounts:sign-in"))


def test_signs_in_and_goes_to_the_overview(client, person):
    response = client.post(reverse("accounts:sign-in"), {"username": "ada", "password": "a-long-password"})

    assert response.url == reverse("dashboard:overview")


def test_refuses_a_wrong_password_with_one_sentence(client, person, words):
    response = client.post(reverse("accounts:sign-in"), {"username": "ada", "password": "guess"})

    assert "User name and password do not fit together" in words(response)
    assert client.get(reverse("dashboard:overview")).status_code == 302


def test_asks_whoever_used_the_one_time_password_for_an_own_one(client, person):
    Person.objects.update(must_change_password=True)

    response = client.post(reverse("accounts:sign-in"), {"username": "ada", "password": "a-long-password"})
    assert response.url == reverse("accounts:password")

    new = "harbour-lights-42"
    client.post(response.url, {"new_password1": new, "new_password2": new})
    person.refresh_from_db()
    assert person.check_password(new)
    assert not person.must_change_password
    assert client.get(reverse("dashboard:overview")).status_code == 200


def test_keeps_the_password_when_the_two_entries_differ(browser, person, words):
    response = browser.post(reverse("accounts:password"), {"new_password1": "harbour-lights-42", "new_password2": "x"})

    assert "match" in words(response)
    person.refresh_from_db()
    assert person.check_password("a-long-password")


def test_signs_out(browser: Client):
    browser.post(reverse("accounts:sign-out"))

    assert browser.get(reverse("dashboard:overview")).status_code == 302
