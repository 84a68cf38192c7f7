"""Sites and who may do what in them."""

from datetime import datetime
from typing import Any

from django.db import transaction

from webapp.audit.services import audit_record
from webapp.common.names import checked_name, unique_name
from webapp.fleets.models import Role, Site, SiteMembership
from webapp.fleets.policies import require_role, require_superuser


@transaction.atomic
def site_create(*, actor: Any | None, name: str, now: datetime) -> Site:
    require_superuser(actor)
    name = checked_name(name)
    with unique_name(f'There is a site called "{name}" already.'):
        site = Site.objects.create(name=name, created_at=now)
    audit_record(actor=actor, action="site.create", subject=site, site_id=site.id, now=now)
    return site


@transaction.atomic
def membership_set(*, actor: Any | None, site: Site, person: Any, role: Role, now: datetime) -> SiteMembership:
    """Gives `person` the role, replacing any earlier one in this site."""
    require_role(actor, site, Role.ADMINISTRATOR)
    membership, _ = SiteMembership.objects.update_or_create(site=site, person=person, defaults={"role": role})
    detail = {"person": person.username, "role": role.value}
    audit_record(actor=actor, action="site.membership", subject=site, site_id=site.id, now=now, detail=detail)
    return membership
