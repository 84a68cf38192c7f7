"""A box's credential is renewed without a moment in which none works: the old one ends when the new one is first used.

A box is asked to through its target state, when an administrator wishes or the credential is old, and may do it at any
time. What gets lost on the way does no harm: the old one goes on working, and the box asks again.
"""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from webapp.audit.services import audit_record
from webapp.common.errors import InvalidInput
from webapp.common.origin import Origin
from webapp.common.secret import secret_hash, secret_new
from webapp.fleets.models import Box, Role
from webapp.fleets.policies import require_role
from webapp.fleets.services.boxes import box_target_changed
from webapp.realtime.topics import site_changed


@transaction.atomic
def credential_rotation_request(*, actor: Any | None, box: Box, now: datetime) -> None:
    """Has the box renew its credential as soon as it is heard."""
    require_role(actor, box.site, Role.ADMINISTRATOR)
    if not box.credential_hash:
        raise InvalidInput(
            gettext("%(box)s has no credential yet: it gets one when a machine joins as it.") % {"box": box}
        )
    Box.objects.filter(id=box.id).update(credential_wanted_at=now)
    audit_record(actor=actor, action="box.rotate", subject=box, site_id=box.site_id, now=now)
    box_target_changed(box_id=box.id)


@transaction.atomic
def credential_issue(*, box: Box, now: datetime, origin: Origin | None = None) -> str:
    """A new credential beside the one in use; an earlier one that was never used stops working."""
    credential = secret_new()
    Box.objects.filter(id=box.id).update(next_credential_hash=secret_hash(credential))
    audit_record(actor=None, action="box.credential", subject=box, site_id=box.site_id, now=now, origin=origin)
    return credential


@transaction.atomic
def credential_used(*, box: Box, credential: str, now: datetime) -> None:
    """The first use of a new credential ends the one before. Any other use changes nothing."""
    used = secret_hash(credential)
    if box.next_credential_hash != used:
        return
    renewed = Box.objects.filter(id=box.id, next_credential_hash=used).update(
        credential_hash=used, next_credential_hash="", credential_at=now, credential_wanted_at=None
    )
    box.credential_hash, box.next_credential_hash, box.credential_at, box.credential_wanted_at = used, "", now, None
    if renewed:
        audit_record(actor=None, action="box.renew", subject=box, site_id=box.site_id, now=now)
        box_target_changed(box_id=box.id)
        site_changed(box.site_id, "box", box.id)
