"""Holding what was found against the alerts there are: new ones, those that go on, those that are over."""

from datetime import datetime, timedelta

from django.db import transaction

from webapp.alerts.conditions import Finding, Findings
from webapp.alerts.hysteresis import Change, note
from webapp.alerts.models import Alert, AlertKind, DeliveryKind
from webapp.alerts.services.deliveries import deliveries_create
from webapp.audit.services import audit_record
from webapp.realtime.topics import site_changed

KEPT = timedelta(days=90)
_LOCK = 7_201_733  # two evaluations at a time would open an alert twice
_FIELDS = ["sentence", "subject_name", "opened_at", "clear_since", "closed_at"]


@transaction.atomic
def alerts_evaluate(*, findings: Findings, now: datetime) -> list[Alert]:
    """Returns the alerts that opened or closed. Does nothing while another process evaluates."""
    if not _locked():
        return []
    found = {finding.key: finding for finding in findings.found}
    alerts = {(AlertKind(alert.kind), alert.subject_id): alert for alert in _unclosed()}
    changed = [
        alert for key, alert in alerts.items() if key not in findings.unknown and _noted(alert, found.get(key), now)
    ]
    for key, finding in found.items():
        if key not in alerts:
            alert = _new(finding, now)
            if _noted(alert, finding, now):
                changed.append(alert)
    return changed


def alerts_prune(*, now: datetime) -> int:
    """Removes alerts that closed longer ago than KEPT; what people did about them stays in the audit log."""
    removed, _ = Alert.objects.filter(closed_at__lt=now - KEPT).delete()
    return removed


def _noted(alert: Alert, finding: Finding | None, now: datetime) -> bool:
    """Whether the alert opened or closed by this."""
    if finding is not None:
        alert.sentence, alert.subject_name = finding.sentence, finding.subject_name[:200]
    change = note(alert, finding is not None, now)
    if change is Change.FORGET:
        alert.delete()
        return False
    alert.save(update_fields=_FIELDS)
    if change is Change.NONE:
        return False
    kind = DeliveryKind.OPENED if change is Change.OPEN else DeliveryKind.CLOSED
    action, detail = f"alert.{'open' if change is Change.OPEN else 'close'}", {"sentence": alert.sentence}
    audit_record(actor=None, action=action, subject=alert, site_id=alert.site_id, now=now, detail=detail)
    deliveries_create(alert=alert, kind=kind, now=now)
    if alert.site_id is not None:
        site_changed(alert.site_id, "alert", alert.id)
    return True


def _new(finding: Finding, now: datetime) -> Alert:
    return Alert.objects.create(
        site_id=finding.site_id,
        kind=finding.kind,
        subject_type=finding.subject_type,
        subject_id=finding.subject_id,
        subject_name=finding.subject_name[:200],
        sentence=finding.sentence,
        noticed_at=now,
    )


def _unclosed() -> list[Alert]:
    return list(Alert.objects.filter(closed_at=None).select_related("site"))


def _locked() -> bool:
    """Until the end of the transaction."""
    with transaction.get_connection().cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        return bool(cursor.fetchone()[0])
