"""Changing the key that signs manifests, so that boxes follow without joining again."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from edge_runtime.protocol.signing import public_key_of, rotation, sign
from webapp.audit.services import audit_record
from webapp.common.errors import Conflict
from webapp.fleets.models import Box
from webapp.fleets.policies import require_superuser
from webapp.fleets.services import box_target_changed
from webapp.rollouts.models import Bundle, SigningKeyRotation


@transaction.atomic
def signing_key_rotate(*, actor: Any | None, old_key: str, new_key: str, now: datetime) -> SigningKeyRotation:
    """Has the old private key vouch for the new one, and signs every bundle anew. The caller puts the new key in place.

    Boxes that are away follow when they come back, over any number of rotations. Raises NotAllowed, Conflict.
    """
    require_superuser(actor)
    if SigningKeyRotation.objects.filter(old_public_key=public_key_of(old_key)).exists():
        raise Conflict(
            gettext("The old key has vouched for another one already: boxes follow one successor of a key only.")
        )
    if old_key == new_key:
        raise Conflict(gettext("The new key is the old one; nothing was changed."))
    step = rotation(old_key, public_key_of(new_key))
    made = SigningKeyRotation.objects.create(
        old_public_key=step.old, new_public_key=step.new, signature=step.signature, at=now
    )
    for bundle in Bundle.objects.all().iterator():
        bundle.signature = sign(bundle.manifest.encode(), new_key)
        bundle.save(update_fields=["signature"])
    for box in Box.objects.exclude(enrolled_at=None):
        audit_record(actor=actor, action="signing_key.rotate", subject=box, site_id=box.site_id, now=now)
        box_target_changed(box_id=box.id)
    return made
