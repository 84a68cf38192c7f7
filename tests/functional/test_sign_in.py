"""Signing in: with the one-time password, with a second factor, through an identity provider; and out again."""

import hashlib
import hmac
import re
import struct
import time
from base64 import b32decode

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialLogin
from django.contrib.auth.models import AnonymousUser
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.sessions.backends.db import SessionStore
from django.core.cache import cache
from django.test import Client, RequestFactory
from django.urls import NoReverseMatch, reverse
from redis.exceptions import ConnectionError as RedisAway

from webapp.accounts.adapters import SocialAdapter
from webapp.accounts.models import Person
from webapp.audit.models import AuditEvent

PAGES = ["dashboard:overview", "dashboard:box-list", "workloads:model-list", "merges:group-list", "fleets:box-add"]
PASSWORD = "a-long-password"


@pytest.fixture(autouse=True)
def _no_attempts_so_far() -> None:
    cache.clear()


def sign_in(client: Client, password: str = PASSWORD, **extra):
    return client.post(reverse("account_login"), {"login": "ada", "password": password}, **extra)


@pytest.mark.django_db
@pytest.mark.parametrize("page", PAGES)
def test_sends_strangers_to_sign_in(client, page):
    response = client.get(reverse(page))

    assert response.status_code == 302
    assert response.url.startswith(reverse("account_login"))


def test_signs_in_and_goes_to_the_overview(client, person):
    assert sign_in(client).url == reverse("dashboard:overview")
    assert AuditEvent.objects.get(action="person.sign_in").address == "127.0.0.1"


def test_refuses_a_wrong_password_with_one_sentence(client, person, words):
    response = sign_in(client, "guess")

    assert "User name and password do not fit together" in words(response)
    assert client.get(reverse("dashboard:overview")).status_code == 302
    assert AuditEvent.objects.get(action="person.refuse").subject_id == person.pk


def test_a_name_that_nobody_has_gets_the_same_answer(client, person, words):
    response = client.post(reverse("account_login"), {"login": "nobody", "password": "guess"})

    assert "User name and password do not fit together" in words(response)


def test_stops_guessing_even_with_the_right_password(client, person, words):
    for _ in range(10):
        sign_in(client, "guess")

    assert "Too many failed attempts" in words(sign_in(client))
    assert client.get(reverse("dashboard:overview")).status_code == 302


def test_lets_nobody_in_while_attempts_cannot_be_counted(client, person, words, monkeypatch):
    def away(*args, **kwargs):
        raise RedisAway("connection refused")

    monkeypatch.setattr("allauth.core.internal.ratelimit.cache.add", away)

    assert "while Redis is away" in words(sign_in(client))


def test_a_switched_off_account_says_so(client, person, words):
    Person.objects.update(is_active=False)

    assert "Your account is switched off" in words(
        client.post(reverse("account_login"), {"login": "ada", "password": PASSWORD}, follow=True)
    )


def test_asks_whoever_used_the_one_time_password_for_an_own_one(client, person):
    Person.objects.update(must_change_password=True)

    response = sign_in(client)
    assert response.url == reverse("accounts:password")

    new = "harbour-lights-42"
    client.post(response.url, {"new_password1": new, "new_password2": new})
    person.refresh_from_db()
    assert person.check_password(new)
    assert not person.must_change_password
    assert client.get(reverse("dashboard:overview")).status_code == 200


def test_keeps_the_password_when_the_two_entries_differ(client, person, words):
    sign_in(client)
    response = client.post(reverse("accounts:password"), {"new_password1": "harbour-lights-42", "new_password2": "x"})

    assert "match" in words(response)
    person.refresh_from_db()
    assert person.check_password(PASSWORD)


def test_asks_for_the_password_again_where_a_session_is_old(browser, words):
    response = browser.get(reverse("accounts:password"), follow=True)

    assert "enter your password once more" in words(response)


def test_signs_out(browser: Client):
    browser.post(reverse("account_logout"))

    assert browser.get(reverse("dashboard:overview")).status_code == 302


def totp(secret: str, at: float) -> str:
    """RFC 6238 with its defaults, written down apart from the library."""
    digest = hmac.digest(b32decode(secret), struct.pack(">Q", int(at) // 30), hashlib.sha1)
    offset = digest[-1] & 15
    return f"{(int.from_bytes(digest[offset : offset + 4]) & 0x7FFFFFFF) % 10**6:06}"


@pytest.fixture
def second_factor(client, person, django_capture_on_commit_callbacks) -> str:
    """Set up on the pages; returns the key."""
    sign_in(client)
    content = client.get(reverse("mfa_activate_totp")).content.decode()
    secret = re.search(r'data-testid="totp-secret">([A-Z2-7]+)<', content).group(1)
    assert 'src="data:image/svg+xml;base64,' in content
    with django_capture_on_commit_callbacks(execute=True):
        response = client.post(reverse("mfa_activate_totp"), {"code": totp(secret, time.time())}, follow=True)
    assert "10 of 10 are unused" in response.content.decode()
    cache.clear()  # the code was used, and may not be used again within its half minute
    return secret


def test_the_second_factor_is_asked_for_after_the_password(client, second_factor, words):
    stranger = Client()

    assert sign_in(stranger).url == reverse("mfa_authenticate")
    assert stranger.get(reverse("dashboard:overview")).status_code == 302
    assert "This code is wrong or too old" in words(stranger.post(reverse("mfa_authenticate"), {"code": "000000"}))
    stranger.post(reverse("mfa_authenticate"), {"code": totp(second_factor, time.time())})
    assert stranger.get(reverse("dashboard:overview")).status_code == 200


def test_a_recovery_code_signs_in_once(client, second_factor):
    code = client.get(reverse("mfa_download_recovery_codes")).content.decode().split()[-1]
    first, second = Client(), Client()
    for browser in (first, second):
        sign_in(browser)
        browser.post(reverse("mfa_authenticate"), {"code": code})

    assert first.get(reverse("dashboard:overview")).status_code == 200
    assert second.get(reverse("dashboard:overview")).status_code == 302


def test_the_key_of_the_second_factor_is_not_stored_in_the_clear(client, second_factor):
    assert second_factor not in str(list(Authenticator.objects.values()))
    assert AuditEvent.objects.filter(action="person.factor_add").exists()


def test_an_administrator_removes_a_lost_second_factor(client, second_factor, person):
    client.post(reverse("people:person-second-factor", args=[person.pk]))

    assert sign_in(Client()).url == reverse("dashboard:overview")
    assert AuditEvent.objects.filter(action="person.factor_remove").exists()


@pytest.mark.parametrize("name", ["account_signup", "account_email", "account_reset_password"])
def test_pages_of_allauth_that_we_do_not_use_have_no_address(name):
    with pytest.raises(NoReverseMatch):
        reverse(name)


def arrival(email: str, is_verified: bool) -> tuple:
    """Somebody whom the identity provider sends, as django-allauth hands them to our adapter."""
    request = RequestFactory().get("/")
    request.user, request.session = AnonymousUser(), SessionStore()
    request._messages = FallbackStorage(request)
    login = SocialLogin(
        user=Person(email=email),
        account=SocialAccount(provider="sso", uid="42"),
        email_addresses=[EmailAddress(email=email, verified=is_verified)],
    )
    return request, login


@pytest.fixture
def identity_provider(settings) -> None:
    app = {"provider_id": "sso", "name": "Harbour", "client_id": "x", "secret": "y", "settings": {"server_url": "z"}}
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [app]}}


@pytest.mark.django_db
def test_offers_the_identity_provider_where_one_is_configured(client, identity_provider, words):
    assert "Sign in with Harbour" in words(client.get(reverse("account_login")))


@pytest.mark.usefixtures("identity_provider")
@pytest.mark.parametrize(
    ("email", "is_verified", "comes_in"),
    [("ADA@example.org", True, True), ("ada@example.org", False, False), ("eve@example.org", True, False)],
)
def test_the_identity_providers_verified_address_tells_who_was_invited(person, email, is_verified, comes_in):
    Person.objects.filter(pk=person.pk).update(email="ada@example.org")
    request, login = arrival(email, is_verified)

    SocialAdapter(request).pre_social_login(request, login)

    assert login.is_existing is comes_in
    assert SocialAccount.objects.filter(user=person, uid="42").exists() is comes_in
    assert not SocialAdapter(request).is_open_for_signup(request, login)


def test_an_address_that_two_people_have_connects_neither(person):
    Person.objects.filter(pk=person.pk).update(email="ada@example.org")
    Person.objects.create_user("eve", email="Ada@example.org")
    request, login = arrival("ada@example.org", True)

    SocialAdapter(request).pre_social_login(request, login)

    assert not login.is_existing
