"""Sites and who may do what in them."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from webapp.audit.services import audit_record
from webapp.common.errors import Conflict, NotFound
from webapp.common.names import checked_name, unique_name
from webapp.fleets.models import Role, Site, SiteMembership
from webapp.fleets.policies import require_role, require_superuser
from webapp.fleets.selectors import sees_everything
from webapp.realtime.groups import person_live
from webapp.realtime.publish import publish_on_commit


@transaction.atomic
def site_create(*, actor: Any | None, name: str, now: datetime) -> Site:
    require_superuser(actor)
    name = checked_name(name)
    with unique_name(gettext('There is a site called "%(name)s" already.') % {"name": name}):
        site = Site.objects.create(name=name, created_at=now)
    audit_record(actor=actor, action="site.create", subject=site, site_id=site.id, now=now)
    return site


@transaction.atomic
def site_update(*, actor: Any | None, site: Site, name: str, requester_may_approve: bool, now: datetime) -> Site:
    require_role(actor, site, Role.ADMINISTRATOR)
    before = {"name": site.name, "requester_may_approve": site.requester_may_approve}
    site.name, site.requester_may_approve = checked_name(name), requester_may_approve
    with unique_name(gettext('There is a site called "%(name)s" already.') % {"name": site.name}):
        site.save(update_fields=["name", "requester_may_approve"])
    after = {"name": site.name, "requester_may_approve": requester_may_approve}
    detail = {"before": before, "after": after}
    audit_record(actor=actor, action="site.update", subject=site, site_id=site.id, now=now, detail=detail)
    return site


@transaction.atomic
def membership_set(*, actor: Any | None, site: Site, person: Any, role: Role, now: datetime) -> SiteMembership:
    """Gives `person` the role, replacing any earlier one in this site. Raises Conflict for its last administrator."""
    require_role(actor, site, Role.ADMINISTRATOR)
    earlier = _membership(actor, site, person, leaves=role != Role.ADMINISTRATOR)
    membership, _ = SiteMembership.objects.update_or_create(site=site, person=person, defaults={"role": role})
    detail = {"person": person.username, "role": role.value, "before": earlier.role if earlier else ""}
    audit_record(actor=actor, action="site.membership", subject=site, site_id=site.id, now=now, detail=detail)
    return membership


@transaction.atomic
def membership_remove(*, actor: Any | None, site: Site, person: Any, now: datetime) -> None:
    """Raises Conflict for the site's last administrator, NotFound for somebody without a role in it."""
    require_role(actor, site, Role.ADMINISTRATOR)
    earlier = _membership(actor, site, person, leaves=True)
    if earlier is None:
        raise NotFound(gettext("%(person)s has no role in %(site)s.") % {"person": person, "site": site})
    earlier.delete()
    detail = {"person": person.username, "role": "", "before": earlier.role}
    audit_record(actor=actor, action="site.membership", subject=site, site_id=site.id, now=now, detail=detail)
    publish_on_commit(person_live(person.id), "rights_changed", {})


def _membership(actor: Any | None, site: Site, person: Any, *, leaves: bool) -> SiteMembership | None:
    """The person's role so far. Raises Conflict where a site would lose its last administrator by their own hand.

    Who manages the whole installation may do it: they look after the site themselves.
    """
    Site.objects.select_for_update().get(id=site.id)  # two administrators must not remove each other at once
    earlier = SiteMembership.objects.filter(site=site, person=person).first()
    administers = SiteMembership.objects.filter(site=site, role=Role.ADMINISTRATOR, person__is_active=True)
    if (
        leaves
        and earlier is not None
        and earlier.role == Role.ADMINISTRATOR
        and not sees_everything(actor)
        and not administers.exclude(person=person).exists()
    ):
        raise Conflict(
            gettext(
                "%(person)s is the last administrator of %(site)s: make somebody else administrator first. "
                "Nothing was changed."
            )
            % {"person": person, "site": site}
        )
    return earlier
