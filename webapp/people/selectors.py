"""Reading people. Who manages the installation sees all of them, administrators of sites those of their sites."""

from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext

from webapp.accounts.models import Person
from webapp.common.errors import NotFound
from webapp.fleets.models import SiteMembership
from webapp.fleets.selectors import sees_everything, sites_administered


def administrates(actor: Any | None) -> bool:
    """Whether `actor` administers at least one site, or everything."""
    return sees_everything(actor) or sites_administered(actor).exists()


def has_role_elsewhere(actor: Any | None, person: Person) -> bool:
    """Whether `person` has a role in a site that `actor` does not administer."""
    return person.site_memberships.exclude(site__in=sites_administered(actor)).exists()


def person_list(actor: Any | None) -> QuerySet[Person]:
    """By user name, with the roles (`roles`) in those sites that `actor` administers."""
    sites = sites_administered(actor)
    memberships = SiteMembership.objects.filter(site__in=sites.values("id")).select_related("site")
    people = Person.objects.all()
    if not sees_everything(actor):
        people = people.filter(site_memberships__site__in=sites).distinct()
    return people.prefetch_related(
        Prefetch("site_memberships", memberships.order_by("site__name"), to_attr="roles")
    ).order_by("username")


def person_get(actor: Any | None, person_id: UUID) -> Person:
    """Raises NotFound."""
    person = person_list(actor).filter(id=person_id).first()
    if person is None:
        raise NotFound(gettext("There is no such person in the sites that you administer."))
    return person
