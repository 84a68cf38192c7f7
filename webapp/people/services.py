"""Inviting people, switching their accounts off and on, and who administers the whole installation."""

from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext

from webapp.accounts.models import Person
from webapp.accounts.services import invitation_create
from webapp.audit.services import audit_record
from webapp.common.errors import InvalidInput
from webapp.common.names import NAME_MAX, unique_name
from webapp.fleets.models import Role, Site
from webapp.fleets.policies import require_role, require_superuser
from webapp.fleets.services import membership_set
from webapp.people.policies import check_not_last, require_may_link
from webapp.realtime.groups import person_live
from webapp.realtime.publish import publish_on_commit


@transaction.atomic
def person_invite(
    *,
    actor: Any | None,
    site: Site,
    role: Role,
    username: str,
    full_name: str = "",
    email: str = "",
    now: datetime,
) -> tuple[Person, str]:
    """A person with `role` in `site`, and the secret of the link with which they choose their password."""
    require_role(actor, site, Role.ADMINISTRATOR)
    person = Person(username=_checked_username(username), first_name=full_name.strip()[:NAME_MAX], date_joined=now)
    person.email = _checked_email(email)
    person.set_unusable_password()
    try:
        with unique_name(
            gettext('There is a person called "%(username)s" already: give them a role on the site\'s page.')
            % {"username": person.username}
        ):
            person.save()
    except InvalidInput as error:
        raise InvalidInput(str(error), field="username") from error
    audit_record(actor=actor, action="person.invite", subject=person, site_id=site.id, now=now)
    membership_set(actor=actor, site=site, person=person, role=role, now=now)
    return person, invitation_create(actor=actor, person=person, now=now)


@transaction.atomic
def link_create(*, actor: Any | None, person: Person, now: datetime) -> str:
    """The secret of a new link to choose a password, for a lost invitation or a forgotten password."""
    require_may_link(actor, person)
    if not person.is_active:
        raise InvalidInput(
            gettext("The account of %(person)s is switched off: switch it on first.") % {"person": person}
        )
    return invitation_create(actor=actor, person=person, now=now)


@transaction.atomic
def person_active_set(*, actor: Any | None, person: Person, is_active: bool, now: datetime) -> None:
    """Somebody whose account is off can neither sign in nor go on with what they have open. Nothing else is lost."""
    require_superuser(actor)
    if not is_active:
        check_not_last(person, _others_who_administer(person))
    person.is_active = is_active
    person.save(update_fields=["is_active"])
    audit_record(actor=actor, action=f"person.{'activate' if is_active else 'deactivate'}", subject=person, now=now)
    publish_on_commit(person_live(person.id), "rights_changed", {})


@transaction.atomic
def person_superuser_set(*, actor: Any | None, person: Person, is_superuser: bool, now: datetime) -> None:
    """Whether `person` administers the whole installation."""
    require_superuser(actor)
    if not is_superuser:
        check_not_last(person, _others_who_administer(person))
    person.is_superuser = person.is_staff = is_superuser
    person.save(update_fields=["is_superuser", "is_staff"])
    detail = {"administers_everything": is_superuser}
    audit_record(actor=actor, action="person.superuser", subject=person, now=now, detail=detail)
    publish_on_commit(person_live(person.id), "rights_changed", {})


@transaction.atomic
def second_factor_remove(*, actor: Any | None, person: Person, now: datetime) -> None:
    """For somebody who lost phone and recovery codes: the password alone signs them in until they set it up anew."""
    require_superuser(actor)
    removed, _ = Authenticator.objects.filter(user=person).delete()
    if not removed:
        raise InvalidInput(gettext("%(person)s has no second factor.") % {"person": person})
    audit_record(actor=actor, action="person.factor_remove", subject=person, now=now)


def _others_who_administer(person: Person) -> int:
    """Locks them, so that two administrators cannot remove each other at the same time."""
    rows = Person.objects.select_for_update().filter(is_superuser=True, is_active=True).order_by("id")
    return sum(other.pk != person.pk for other in rows)


def _checked_username(username: str) -> str:
    username = username.strip()
    try:
        Person._meta.get_field("username").run_validators(username)
    except ValidationError as error:
        raise InvalidInput(" ".join(error.messages), field="username") from error
    if not username:
        raise InvalidInput(gettext("A user name is needed."), field="username")
    return username


def _checked_email(email: str) -> str:
    email = email.strip()
    try:
        if email:
            validate_email(email)
    except ValidationError as error:
        raise InvalidInput(gettext('"%(email)s" is no e-mail address.') % {"email": email}, field="email") from error
    return email
