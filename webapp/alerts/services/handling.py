"""What people do about alerts."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from webapp.alerts.models import Alert, Silence
from webapp.alerts.policies import check_duration
from webapp.audit.services import audit_record
from webapp.common.errors import Conflict, InvalidInput
from webapp.fleets.models import Role, Site
from webapp.fleets.policies import require_role, require_superuser
from webapp.realtime.topics import site_changed

REASON_MAX = 300


@transaction.atomic
def alert_acknowledge(*, actor: Any | None, alert: Alert, now: datetime) -> Alert:
    """Somebody takes care of it: it no longer counts as new. Raises Conflict when it is over or acknowledged."""
    alert = Alert.objects.select_for_update(of=("self",)).select_related("site").get(id=alert.id)
    _require(actor, alert.site)
    if alert.closed_at is not None:
        raise Conflict(gettext("This alert is over already."))
    if alert.acknowledged_at is not None:
        raise Conflict(
            gettext("%(person)s has acknowledged this alert already.")
            % {"person": alert.acknowledged_by or "The system"}
        )
    alert.acknowledged_at, alert.acknowledged_by = now, actor
    alert.save(update_fields=["acknowledged_at", "acknowledged_by"])
    audit_record(actor=actor, action="alert.acknowledge", subject=alert, site_id=alert.site_id, now=now)
    _changed(alert.site, alert)
    return alert


@transaction.atomic
def alert_unacknowledge(*, actor: Any | None, alert: Alert, now: datetime) -> Alert:
    """It counts as new again. Raises Conflict when it is over or was not acknowledged."""
    alert = Alert.objects.select_for_update(of=("self",)).select_related("site").get(id=alert.id)
    _require(actor, alert.site)
    if alert.closed_at is not None:
        raise Conflict(gettext("This alert is over already."))
    if alert.acknowledged_at is None:
        raise Conflict(gettext("Nobody has acknowledged this alert."))
    alert.acknowledged_at = alert.acknowledged_by = None
    alert.save(update_fields=["acknowledged_at", "acknowledged_by"])
    audit_record(actor=actor, action="alert.unacknowledge", subject=alert, site_id=alert.site_id, now=now)
    _changed(alert.site, alert)
    return alert


@transaction.atomic
def alert_silence(*, actor: Any | None, alert: Alert, duration: timedelta, reason: str = "", now: datetime) -> Silence:
    """Nobody is told of alerts of this kind about this subject until then. They still open and show on the page."""
    _require(actor, alert.site)
    silence = Silence(kind=alert.kind, subject_id=alert.subject_id, subject_name=alert.subject_name)
    return _silence(silence, actor, alert.site, duration, reason, now)


@transaction.atomic
def site_silence(*, actor: Any | None, site: Site, duration: timedelta, reason: str = "", now: datetime) -> Silence:
    """Of all alerts of the site, as for maintenance."""
    _require(actor, site)
    return _silence(Silence(), actor, site, duration, reason, now)


@transaction.atomic
def silence_end(*, actor: Any | None, silence: Silence, now: datetime) -> None:
    _require(actor, silence.site)
    silence.until = min(silence.until, now)
    silence.save(update_fields=["until"])
    audit_record(actor=actor, action="silence.end", subject=silence, site_id=silence.site_id, now=now)
    _changed(silence.site, silence)


def _silence(
    silence: Silence, actor: Any | None, site: Site | None, duration: timedelta, reason: str, now: datetime
) -> Silence:
    check_duration(duration)
    if len(reason) > REASON_MAX:
        raise InvalidInput(
            gettext("The reason has at most %(reason_max)s characters.") % {"reason_max": REASON_MAX}, field="reason"
        )
    silence.site, silence.reason, silence.until = site, reason.strip(), now + duration
    silence.created_by, silence.created_at = actor, now
    silence.save()
    detail = {"until": silence.until.isoformat(), "reason": silence.reason}
    site_id = silence.site_id
    audit_record(actor=actor, action="silence.create", subject=silence, site_id=site_id, now=now, detail=detail)
    _changed(site, silence)
    return silence


def _require(actor: Any | None, site: Site | None) -> None:
    """What concerns the whole installation is handled by who manages it."""
    if site is None:
        require_superuser(actor)
    else:
        require_role(actor, site, Role.OPERATOR)


def _changed(site: Site | None, subject: Alert | Silence) -> None:
    if site is not None:
        site_changed(site.id, "alert", subject.id)
