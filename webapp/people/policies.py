"""Who may manage which people."""

from typing import Any

from django.utils.translation import gettext

from webapp.accounts.models import Person
from webapp.common.errors import Conflict, NotAllowed
from webapp.fleets.selectors import sees_everything
from webapp.people.selectors import administrates, has_role_elsewhere


def require_administrator(actor: Any | None) -> None:
    """Raises NotAllowed for who administers neither a site nor the installation."""
    if not administrates(actor):
        raise NotAllowed(
            gettext("Only administrators of a site see its people. Ask one of them to make you administrator.")
        )


def require_may_link(actor: Any | None, person: Person) -> None:
    """Raises NotAllowed unless `actor` may give `person` a link to choose a password.

    With such a link one becomes the person. So of somebody who has signed in before, or who is to have roles in sites
    that `actor` does not administer, only an administrator of the whole installation may make one.
    """
    if sees_everything(actor):
        return
    if person.last_login is not None or person.is_superuser:
        raise NotAllowed(
            gettext(
                "%(person)s has an account in use already, so only an administrator of the whole installation "
                "may make a link for a new password; nothing was changed."
            )
            % {"person": person}
        )
    if has_role_elsewhere(actor, person):
        raise NotAllowed(
            gettext(
                "%(person)s has a role in a site that you do not administer, so only an administrator of the whole "
                "installation may make a link for a new password; nothing was changed."
            )
            % {"person": person}
        )


def check_not_last(person: Person, others: int) -> None:
    """`others`: how many further active administrators of the whole installation there are. Raises Conflict."""
    if person.is_superuser and person.is_active and not others:
        raise Conflict(
            gettext(
                "%(person)s is the last administrator of this installation: make somebody else administrator "
                "first. Nothing was changed."
            )
            % {"person": person}
        )
