"""What every page of a signed-in person needs: live topics of their sites, how many decisions wait, their rights."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from webapp.fleets.selectors import sites_of
from webapp.merges.selectors import groups_waiting
from webapp.people.selectors import administrates


def waiting_decisions(request: HttpRequest) -> dict[str, object]:
    """Lazy, so that pages without the side bar ask the database nothing."""
    person = getattr(request, "user", None)
    if person is None or not person.is_authenticated:
        return {}
    return {
        "groups_waiting_count": SimpleLazyObject(lambda: len(groups_waiting(person))),
        "administrates": SimpleLazyObject(lambda: administrates(person)),
        "site_topics": SimpleLazyObject(lambda: " ".join(f"site:{site.id}" for site in sites_of(person))),
    }
