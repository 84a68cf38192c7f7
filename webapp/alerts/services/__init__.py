"""Opening and closing alerts, handling them, and telling of them."""

from webapp.alerts.services.deliveries import deliveries_send
from webapp.alerts.services.evaluation import alerts_evaluate, alerts_prune
from webapp.alerts.services.handling import (
    alert_acknowledge,
    alert_silence,
    alert_unacknowledge,
    silence_end,
    site_silence,
)
from webapp.alerts.services.receivers import receiver_create, receiver_delete, receiver_test

__all__ = [
    "alert_acknowledge",
    "alert_silence",
    "alert_unacknowledge",
    "alerts_evaluate",
    "alerts_prune",
    "deliveries_send",
    "receiver_create",
    "receiver_delete",
    "receiver_test",
    "silence_end",
    "site_silence",
]
