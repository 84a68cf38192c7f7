"""Who a program is that calls the REST API: the person whose API token it sends."""

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from webapp.accounts.models import ApiToken, Person
from webapp.accounts.selectors import token_by_secret
from webapp.accounts.services import token_used
from webapp.common.origin import origin_of


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer gemel_...`: the program acts as the token's person, or only looks."""

    def authenticate(self, request: Request) -> tuple[Person, ApiToken] | None:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        now = timezone.now()
        token = token_by_secret(secret.strip(), now)
        if token is None:
            raise AuthenticationFailed("This API token is unknown, expired or revoked: make a new one under your name.")
        if token.is_read_only and request.method not in SAFE_METHODS:
            raise PermissionDenied("This API token only reads; nothing was changed.")
        token_used(token=token, now=now)
        token.person.origin = origin_of(request, token.name)
        return token.person, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
