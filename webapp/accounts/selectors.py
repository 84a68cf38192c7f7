"""Reading people's invitations."""

from datetime import datetime

from django.db.models import QuerySet

from webapp.accounts.models import Invitation
from webapp.common.errors import NotFound
from webapp.common.secret import secret_hash


def invitation_get(secret: str, now: datetime, among: QuerySet[Invitation] | None = None) -> Invitation:
    """The invitation whose link this is, with its person. Raises NotFound for a wrong, used or expired one."""
    rows = Invitation.objects.all() if among is None else among
    usable = rows.filter(secret_hash=secret_hash(secret), used_at=None, expires_at__gt=now, person__is_active=True)
    invitation = usable.select_related("person").first()
    if invitation is None:
        raise NotFound("This link was used already or has expired. Ask whoever sent it for a new one.")
    return invitation
