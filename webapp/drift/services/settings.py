"""What a site wants done about drift."""

from datetime import datetime
from typing import Any

from django.db import transaction

from webapp.audit.services import audit_record
from webapp.drift.models import DriftSettings
from webapp.drift.policies import check_settings
from webapp.fleets.models import Role, Site
from webapp.fleets.policies import require_role


@transaction.atomic
def drift_settings_update(
    *, actor: Any | None, site: Site, response: str, now: datetime, **numbers: int
) -> DriftSettings:
    """`numbers`: window_s, frames_min, merge_frames, merge_span_s. Raises InvalidInput."""
    require_role(actor, site, Role.ADMINISTRATOR)
    check_settings(response, **numbers)
    wanted = {"response": response} | numbers
    settings, _ = DriftSettings.objects.update_or_create(site=site, defaults=wanted)
    audit_record(actor=actor, action="site.drift", subject=site, site_id=site.id, now=now, detail=wanted)
    return settings
