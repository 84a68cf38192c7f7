"""What every page of a signed-in person needs: live topics of their sites, what waits for them, their rights."""

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from webapp.alerts.selectors import AlertSearch, Shown, alerts_found
from webapp.fleets.selectors import sites_of
from webapp.merges.selectors import groups_waiting
from webapp.people.selectors import administrates


def waiting_decisions(request: HttpRequest) -> dict[str, object]:
    """Lazy, so that pages without the side bar ask the database nothing."""
    person = getattr(request, "user", None)
    if person is None or not person.is_authenticated:
        return {}
    return {
        "groups_waiting_count": SimpleLazyObject(lambda: groups_waiting(person).count()),
        "alerts_new_count": SimpleLazyObject(lambda: _alerts_new(person)),
        "administrates": SimpleLazyObject(lambda: administrates(person)),
        "site_topics": SimpleLazyObject(lambda: " ".join(f"site:{site.id}" for site in sites_of(person))),
    }


def _alerts_new(person: Any) -> int:
    return alerts_found(person, AlertSearch(shown=Shown.NEW), timezone.now()).count()
