"""What a message about an alert says, and how a webhook can tell that it is ours. Pure.

Webhooks follow standardwebhooks.com: `webhook-signature` is "v1," and the base64 of an HMAC-SHA256 over id, time and
body, under the secret that was shown once.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from webapp.alerts.models import Alert, DeliveryKind

_PREFIX = "whsec_"


def secret_new() -> str:
    return _PREFIX + base64.b64encode(secrets.token_bytes(24)).decode()


def subject_line(kind: str, alert: Alert | None) -> str:
    if alert is None:
        return "Gemel Fleet: this is a test"
    over = "Over: " if kind == DeliveryKind.CLOSED else ""
    return f"Gemel Fleet: {over}{alert}".replace("\n", " ")


def text_of(kind: str, alert: Alert | None) -> str:
    if alert is None:
        return "This address will be told of alerts. Nothing is wrong: somebody tries whether messages arrive.\n"
    over = f"Over since {alert.clear_since:%Y-%m-%d %H:%M:%S} UTC. It was:\n\n" if kind == DeliveryKind.CLOSED else ""
    site = f"Site: {alert.site}\n" if alert.site else ""
    link = f"{settings.PUBLIC_URL}{reverse('alerts:alert-list')}\n" if settings.PUBLIC_URL else ""
    return f"{over}{alert.sentence}\n\n{site}Since: {alert.noticed_at:%Y-%m-%d %H:%M:%S} UTC\n{link}"


def payload_of(kind: str, alert: Alert | None) -> bytes:
    """The body of a webhook, JSON."""
    body: dict[str, object] = {"type": f"alert.{kind}"}
    if alert is not None:
        body |= {
            "alert": str(alert.id),
            "kind": alert.kind,
            "site": alert.site.name if alert.site else None,
            "subject_type": alert.subject_type,
            "subject": str(alert.subject_id),
            "subject_name": alert.subject_name,
            "sentence": alert.sentence,
            "since": alert.noticed_at.isoformat(),
            "closed_at": alert.closed_at.isoformat() if alert.closed_at else None,
        }
    return json.dumps(body).encode()


def signed_headers(message: UUID, at: datetime, body: bytes, secret: str) -> Mapping[str, str]:
    stamp = str(int(at.timestamp()))
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    digest = hmac.new(key, f"{message}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": str(message),
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
        "content-type": "application/json",
        "user-agent": "GemelFleet-Webhook/1",
    }
