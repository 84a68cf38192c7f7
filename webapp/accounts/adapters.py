"""What django-allauth asks us: who may come in, what people are told, what is recorded, how secrets are stored."""

import logging
import time
from typing import Any

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy
from redis.exceptions import RedisError

from webapp.accounts.models import Person
from webapp.audit.services import audit_record
from webapp.common.encryption import decrypted, encrypted
from webapp.common.origin import origin_of

logger = logging.getLogger(__name__)


class AccountAdapter(DefaultAccountAdapter):
    """Nobody signs up: people are invited (webapp.people)."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": gettext_lazy(
            "User name and password do not fit together. Check both; capitals matter."
        ),
        "too_many_login_attempts": gettext_lazy("Too many failed attempts. Wait five minutes, then try again."),
        "incorrect_password": gettext_lazy("This is not your password. Check capitals, and try again."),
        "limiter_away": gettext_lazy(
            "Nobody can sign in while Redis is away and attempts are not counted. Try again soon."
        ),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """As the audit log has it. Requests over a local socket have no address and are counted together."""
        return origin_of(request).address or "local"

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        person: Any = request.user
        return reverse("accounts:password") if person.must_change_password else reverse("dashboard:overview")

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        try:
            super().pre_authenticate(request, **credentials)
        except (RedisError, OSError) as error:
            raise self.validation_error("limiter_away") from error

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Whoever has just signed in need not enter the same password again."""
        records = get_authentication_records(context.request, context.request.user)
        signed_in_at = max((record["at"] for record in records), default=0.0)
        return time.time() - signed_in_at > app_settings.REAUTHENTICATION_TIMEOUT

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Recorded for accounts that exist; for other names there is a line in the log."""
        username, origin = str(credentials.get("username", ""))[:150], origin_of(request)
        person = Person.objects.filter(username=username).first()
        if person is None:
            logger.warning("Sign-in as %r from %s refused: there is no such account", username, origin.address)
            return
        audit_record(actor=None, action="person.refuse", subject=person, now=timezone.now(), origin=origin)

    def post_login(self, request: HttpRequest, user: Any, **details: Any) -> HttpResponse:
        user.origin = origin_of(request)
        audit_record(actor=user, action="person.sign_in", subject=user, now=timezone.now())
        return super().post_login(request, user, **details)


class SocialAdapter(DefaultSocialAccountAdapter):
    """The identity provider says who somebody is; only invited people come in."""

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """At the first time, the verified e-mail address tells which invited person it is."""
        if sociallogin.is_existing:
            return
        for address in sociallogin.email_addresses:
            people = list(Person.objects.filter(email__iexact=address.email, is_active=True)[:2])
            if address.verified and len(people) == 1:
                sociallogin.connect(request, people[0])
                audit_record(
                    actor=None,
                    action="person.connect",
                    subject=people[0],
                    now=timezone.now(),
                    detail={"provider": sociallogin.account.provider, "e-mail address": address.email},
                    origin=origin_of(request),
                )
                return

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False


class MfaAdapter(DefaultMFAAdapter):
    """Secrets of the second factor are encrypted in the database."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": gettext_lazy("This code is wrong or too old. Enter the one that your app shows now."),
    }

    def get_totp_issuer(self) -> str:
        return "Gemel Fleet"

    def encrypt(self, text: str) -> str:
        return encrypted(text)

    def decrypt(self, encrypted_text: str) -> str:
        return decrypted(encrypted_text)
