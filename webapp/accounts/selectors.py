"""Reading people's invitations and API tokens."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext

from webapp.accounts.models import ApiToken, Invitation, Person
from webapp.common.errors import NotFound
from webapp.common.secret import secret_hash


def invitation_get(secret: str, now: datetime, among: QuerySet[Invitation] | None = None) -> Invitation:
    """The invitation whose link this is, with its person. Raises NotFound for a wrong, used or expired one."""
    rows = Invitation.objects.all() if among is None else among
    usable = rows.filter(secret_hash=secret_hash(secret), used_at=None, expires_at__gt=now, person__is_active=True)
    invitation = usable.select_related("person").first()
    if invitation is None:
        raise NotFound(gettext("This link was used already or has expired. Ask whoever sent it for a new one."))
    return invitation


def token_list(actor: Person) -> QuerySet[ApiToken]:
    """The actor's own tokens, newest first, without the revoked ones."""
    return ApiToken.objects.filter(person=actor, revoked_at=None)


def token_get(actor: Person, token_id: UUID) -> ApiToken:
    """Raises NotFound for anybody else's."""
    token = token_list(actor).filter(id=token_id).first()
    if token is None:
        raise NotFound(gettext("You have no such API token."))
    return token


def token_by_secret(secret: str, now: datetime) -> Any | None:
    """The valid token with this secret, with its person, or None."""
    usable = ApiToken.objects.filter(revoked_at=None, expires_at__gt=now, person__is_active=True)
    return usable.filter(secret_hash=secret_hash(secret)).select_related("person").first()
