"""Reading alerts, silences and receivers of the sites that a person sees. What concerns the installation, all see."""

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext

from webapp.alerts.models import Alert, Receiver, Silence
from webapp.common.errors import NotFound
from webapp.fleets.models import Site
from webapp.fleets.selectors import sees_everything, sites_administered, sites_of


class Shown(enum.StrEnum):
    """OPEN: also those that somebody has acknowledged or silenced. NEW: open and neither."""

    NEW = "new"
    OPEN = "open"
    CLOSED = "closed"
    ALL = "all"


@dataclass(frozen=True)
class AlertSearch:
    """What to look for; what is left empty does not matter."""

    shown: Shown = Shown.OPEN
    text: str = ""
    kind: str = ""
    site: UUID | None = None


def alert_list(actor: Any | None, now: datetime) -> QuerySet[Alert]:
    """Alerts that have opened, newest first, with site and who acknowledged; `is_silenced` says whether one is."""
    alerts = _seen(actor, Alert.objects.exclude(opened_at=None))
    alerts = alerts.annotate(is_silenced=Exists(_silences_of(now)))
    return alerts.select_related("site", "acknowledged_by").order_by("-opened_at", "-id")


def alerts_found(actor: Any | None, search: AlertSearch, now: datetime) -> QuerySet[Alert]:
    alerts = alert_list(actor, now)
    if search.shown is Shown.CLOSED:
        alerts = alerts.exclude(closed_at=None)
    elif search.shown is not Shown.ALL:
        alerts = alerts.filter(closed_at=None)
    if search.shown is Shown.NEW:
        alerts = alerts.filter(acknowledged_at=None, is_silenced=False)
    for word in search.text.split():
        alerts = alerts.filter(Q(sentence__icontains=word) | Q(subject_name__icontains=word))
    exact = {"kind": search.kind, "site_id": search.site}
    return alerts.filter(**{field: value for field, value in exact.items() if value})


def alert_get(actor: Any | None, alert_id: UUID, now: datetime) -> Alert:
    """Raises NotFound."""
    alert = alert_list(actor, now).filter(id=alert_id).first()
    if alert is None:
        raise NotFound(gettext("There is no such alert."))
    return alert


def silence_list(actor: Any | None, now: datetime, site: Site | None = None) -> QuerySet[Silence]:
    """Those that still hold, the one that ends first on top."""
    silences = _seen(actor, Silence.objects.filter(until__gt=now))
    silences = silences if site is None else silences.filter(site=site)
    return silences.select_related("site", "created_by")


def receiver_list(actor: Any | None, site: Site | None = None) -> QuerySet[Receiver]:
    """Of sites that the actor administers: an address can be somebody's own."""
    receivers = Receiver.objects.filter(site__in=sites_administered(actor)).select_related("site")
    return receivers if site is None else receivers.filter(site=site)


def receiver_get(actor: Any | None, receiver_id: UUID) -> Receiver:
    """Raises NotFound."""
    receiver = receiver_list(actor).filter(id=receiver_id).first()
    if receiver is None:
        raise NotFound(gettext("There is no such receiver in the sites that you administer."))
    return receiver


def silenced_now(alert: Alert, now: datetime) -> bool:
    return Alert.objects.filter(id=alert.id).filter(Exists(_silences_of(now))).exists()


def _seen(actor: Any | None, rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows if sees_everything(actor) else rows.filter(Q(site=None) | Q(site__in=sites_of(actor)))


def _silences_of(now: datetime) -> QuerySet[Silence]:
    """For an outer query of alerts: the silences that an alert falls under."""
    same = Q(kind=OuterRef("kind"), subject_id=OuterRef("subject_id"))
    whole_site = Q(kind="", site=OuterRef("site"))
    return Silence.objects.filter(same | whole_site, until__gt=now)
