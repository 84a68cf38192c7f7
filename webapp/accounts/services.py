"""Changing a person's account."""

from datetime import datetime

from django.db import transaction

from webapp.accounts.models import Person
from webapp.audit.services import audit_record


@transaction.atomic
def password_change(*, actor: Person, password: str, now: datetime) -> None:
    """The actor's new password, already validated; the one-time password has done its work."""
    actor.set_password(password)
    actor.must_change_password = False
    actor.save(update_fields=["password", "must_change_password"])
    audit_record(actor=actor, action="person.password", subject=actor, now=now)
