"""Writing the audit log; services of other apps call this in the transaction of their change."""

import uuid
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_ipv46_address

from webapp.audit.models import AuditEvent
from webapp.common.origin import Origin


def audit_record(
    *,
    actor: Any | None,
    action: str,
    subject: Any,
    now: datetime,
    site_id: uuid.UUID | None = None,
    detail: dict[str, Any] | None = None,
    origin: Origin | None = None,
) -> AuditEvent:
    """`actor` None means the system itself. `subject` is a saved model instance with a UUID key.

    Where it came from is the actor's own origin (webapp.common.origin), or `origin` where nobody is signed in.
    """
    origin = origin or getattr(actor, "origin", None) or Origin("", "")
    return AuditEvent.objects.create(
        actor=actor,
        action=action,
        subject_type=subject._meta.model_name,
        subject_id=subject.pk,
        subject_name=str(subject)[:200],
        site_id=site_id,
        at=now,
        detail=detail or {},
        address=_address(origin.address),
        user_agent=origin.user_agent,
        token=origin.token,
    )


def _address(text: str) -> str | None:
    """None for what is no IP address, such as the peer of a local socket."""
    try:
        validate_ipv46_address(text)
    except ValidationError:
        return None
    return text
