"""Writing the audit log; services of other apps call this in the transaction of their change."""

import uuid
from datetime import datetime
from typing import Any

from webapp.audit.models import AuditEvent


def audit_record(
    *,
    actor: Any | None,
    action: str,
    subject: Any,
    now: datetime,
    site_id: uuid.UUID | None = None,
    detail: dict[str, Any] | None = None,
) -> AuditEvent:
    """`actor` None means the system itself. `subject` is a saved model instance with a UUID key."""
    return AuditEvent.objects.create(
        actor=actor,
        action=action,
        subject_type=subject._meta.model_name,
        subject_id=subject.pk,
        subject_name=str(subject)[:200],
        site_id=site_id,
        at=now,
        detail=detail or {},
    )
