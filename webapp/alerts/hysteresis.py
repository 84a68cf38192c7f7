"""When an alert opens and closes. Pure. A condition has to hold for a while before anybody is told, and to be gone for
a while before it counts as over, so that what comes and goes neither floods anybody nor is forgotten."""

import enum
from datetime import datetime, timedelta

from webapp.alerts.models import Alert, AlertKind

HOLDS_FOR = {
    AlertKind.ACCURACY_BELOW_TARGET: timedelta(0),  # judged over a window of its own
    AlertKind.BOX_OFFLINE: timedelta(0),  # known after a minute of silence only
    AlertKind.CAMERA_DEAD: timedelta(minutes=1),
    AlertKind.BUNDLE_ROLLED_BACK: timedelta(0),
    AlertKind.FRAMES_LOST: timedelta(minutes=1),  # judged over minutes, in which a bundle may have warmed up
    AlertKind.STATISTICS_LOST: timedelta(0),
    AlertKind.JOB_STUCK: timedelta(0),  # known after ten minutes only
    AlertKind.WORKER_MISSING: timedelta(minutes=2),
}
CLEAR_FOR = timedelta(minutes=2)
CLEAR_LONGER = {AlertKind.FRAMES_LOST: timedelta(minutes=5)}  # a share goes up and down around its limit


class Change(enum.Enum):
    """FORGET: it came and went before anybody was told."""

    NONE = enum.auto()
    OPEN = enum.auto()
    CLOSE = enum.auto()
    FORGET = enum.auto()


def note(alert: Alert, holds: bool, now: datetime) -> Change:
    """Updates `alert`, which is not closed, in memory. The caller saves it, or deletes it where it is to be forgotten.

    An alert that has not opened is forgotten as soon as its condition is gone.
    """
    if holds:
        alert.clear_since = None
        if alert.opened_at is None and now - alert.noticed_at >= HOLDS_FOR[AlertKind(alert.kind)]:
            alert.opened_at = now
            return Change.OPEN
        return Change.NONE
    if alert.opened_at is None:
        return Change.FORGET
    alert.clear_since = alert.clear_since or now
    if now - alert.clear_since >= CLEAR_LONGER.get(AlertKind(alert.kind), CLEAR_FOR):
        alert.closed_at = now
        return Change.CLOSE
    return Change.NONE
