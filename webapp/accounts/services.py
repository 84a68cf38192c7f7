"""Changing a person's account: its password, and the one-time links that let somebody choose one."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from webapp.accounts.models import Invitation, Person
from webapp.accounts.selectors import invitation_get
from webapp.audit.services import audit_record
from webapp.common.errors import InvalidInput
from webapp.common.origin import Origin
from webapp.common.secret import secret_hash, secret_new

INVITATION_LIFE = timedelta(days=7)


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
