"""Changing a person's account: its password, one-time links that let somebody choose one, API tokens."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext

from webapp.accounts.models import ApiToken, Invitation, Person
from webapp.accounts.selectors import invitation_get
from webapp.audit.services import audit_record
from webapp.common.errors import InvalidInput
from webapp.common.names import checked_name
from webapp.common.origin import Origin
from webapp.common.secret import secret_hash, secret_new

INVITATION_LIFE = timedelta(days=7)
TOKEN_PREFIX = "gemel_"  # so that people and secret scanners recognise one
TOKEN_DAYS = (1, 366)
USE_NOTED_EVERY = timedelta(minutes=1)


@transaction.atomic
def password_change(*, actor: Person, password: str, now: datetime) -> None:
    """The actor's new password, already validated; the one-time password has done its work."""
    actor.set_password(password)
    actor.must_change_password = False
    actor.save(update_fields=["password", "must_change_password"])
    audit_record(actor=actor, action="person.password", subject=actor, now=now)


@transaction.atomic
def invitation_create(*, actor: Any | None, person: Person, now: datetime) -> str:
    """The secret of a new link, shown once; earlier links stop working. The caller has checked that `actor` may."""
    secret = secret_new()
    person.invitations.filter(used_at=None, expires_at__gt=now).update(expires_at=now)
    Invitation.objects.create(
        person=person, secret_hash=secret_hash(secret), expires_at=now + INVITATION_LIFE, created_at=now
    )
    audit_record(actor=actor, action="person.link", subject=person, now=now)
    return secret


@transaction.atomic
def invitation_accept(*, secret: str, password: str, now: datetime, origin: Origin | None = None) -> Person:
    """Gives the invited person their password. Raises NotFound for a link that does not work, InvalidInput."""
    invitation = invitation_get(secret, now, Invitation.objects.select_for_update(of=("self",)))
    person: Person = invitation.person
    try:
        validate_password(password, person)
    except ValidationError as error:
        raise InvalidInput(" ".join(error.messages), field="new_password1") from error
    invitation.used_at = now
    invitation.save(update_fields=["used_at"])
    person.set_password(password)
    person.must_change_password = False
    person.save(update_fields=["password", "must_change_password"])
    person.origin = origin
    audit_record(actor=person, action="person.accept", subject=person, now=now)
    return person


@transaction.atomic
def token_create(
    *, actor: Person, name: str, days: int, is_read_only: bool = False, now: datetime
) -> tuple[ApiToken, str]:
    """A token that acts as `actor` for `days` days, or only reads what `actor` may see, and its secret, shown once."""
    if not TOKEN_DAYS[0] <= days <= TOKEN_DAYS[1]:
        raise InvalidInput(
            gettext("A token lives from %(low)s to %(high)s days.") % {"low": TOKEN_DAYS[0], "high": TOKEN_DAYS[1]},
            field="days",
        )
    secret = TOKEN_PREFIX + secret_new()
    token = ApiToken.objects.create(
        person=actor,
        name=checked_name(name),
        hint=secret[:12],
        secret_hash=secret_hash(secret),
        is_read_only=is_read_only,
        expires_at=now + timedelta(days=days),
        created_at=now,
    )
    detail = {"days": days, "is_read_only": is_read_only}
    audit_record(actor=actor, action="api_token.create", subject=token, now=now, detail=detail)
    return token, secret


@transaction.atomic
def token_revoke(*, actor: Person, token: ApiToken, now: datetime) -> None:
    """Ends one of the actor's own tokens at once."""
    token.revoked_at = now
    token.save(update_fields=["revoked_at"])
    audit_record(actor=actor, action="api_token.revoke", subject=token, now=now)


def token_used(*, token: ApiToken, now: datetime) -> None:
    """Notes that the token is in use, at most once a minute: a busy program must not cost a write per request."""
    old = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_NOTED_EVERY)
    ApiToken.objects.filter(old, id=token.id).update(last_used_at=now)
