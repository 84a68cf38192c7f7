"""How a machine becomes a box: a one-time join code is exchanged for a credential. Both are stored hashed only."""

import secrets
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.db import transaction

from edge_runtime.protocol.enrolment import Hardware
from webapp.audit.services import audit_record
from webapp.common.errors import InvalidInput
from webapp.common.origin import Origin
from webapp.common.secret import secret_hash, secret_new
from webapp.fleets.models import Box, JoinCode, Role
from webapp.fleets.policies import require_role
from webapp.realtime.groups import box_commands
from webapp.realtime.publish import publish_on_commit
from webapp.realtime.topics import site_changed

JOIN_CODE_LIFE = timedelta(hours=1)
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no letter that looks like a digit
_LOOKALIKES = str.maketrans("OIL", "011", "- ")


class JoinCodeWrong(InvalidInput):
    code = "join_code_wrong"


class JoinCodeExpired(InvalidInput):
    code = "join_code_expired"


class JoinCodeUsed(InvalidInput):
    code = "join_code_used"


@transaction.atomic
def join_code_create(*, actor: Any | None, box: Box, now: datetime) -> str:
    """A new code, shown once. Earlier unused codes of the box stop working.

    Of a box that a machine has been, only administrators make one: whatever joins takes that machine's place, and hears
    the addresses of the box's cameras with their passwords.
    """
    require_role(actor, box.site, Role.ADMINISTRATOR if box.hardware else Role.OPERATOR)
    code = "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(3))
    box.join_codes.filter(used_at=None, expires_at__gt=now).update(expires_at=now)
    JoinCode.objects.create(box=box, code_hash=_code_hash(code), expires_at=now + JOIN_CODE_LIFE, created_at=now)
    audit_record(actor=actor, action="box.join_code", subject=box, site_id=box.site_id, now=now)
    return code


@transaction.atomic
def box_enrol(*, code: str, hardware: Hardware, now: datetime, origin: Origin | None = None) -> tuple[Box, str]:
    """The box of `code` and its new credential; a machine that was this box before loses its access.

    Raises JoinCodeWrong, JoinCodeExpired or JoinCodeUsed.
    """
    join_code = JoinCode.objects.select_for_update().filter(code_hash=_code_hash(code)).first()
    if join_code is None:
        raise JoinCodeWrong("This join code is wrong: check it, or make a new one on the box's page.", field="code")
    if join_code.used_at is not None:
        raise JoinCodeUsed("This join code was used already: make a new one on the box's page.", field="code")
    if join_code.expires_at <= now:
        raise JoinCodeExpired("This join code has expired: make a new one on the box's page.", field="code")
    join_code.used_at = now
    join_code.save(update_fields=["used_at"])
    return _accept(join_code.box, hardware, now, origin)


def _accept(box: Box, hardware: Hardware, now: datetime, origin: Origin | None) -> tuple[Box, str]:
    credential = secret_new()
    box.credential_hash = secret_hash(credential)
    box.next_credential_hash, box.credential_wanted_at = "", None
    box.enrolled_at = box.last_seen_at = box.credential_at = now
    box.hardware = msgspec.to_builtins(hardware)
    box.save(
        update_fields=[
            *("credential_hash", "next_credential_hash", "credential_at", "credential_wanted_at"),
            *("enrolled_at", "last_seen_at", "hardware"),
        ]
    )
    detail = {"hostname": hardware.hostname}
    audit_record(
        actor=None, action="box.enrol", subject=box, site_id=box.site_id, now=now, detail=detail, origin=origin
    )
    publish_on_commit(box_commands(box.id), "revoked", {})
    site_changed(box.site_id, "box", box.id)
    return box, credential


def _code_hash(code: str) -> str:
    """People type codes in lower case, with or without dashes, and O for 0."""
    return secret_hash(code.strip().upper().translate(_LOOKALIKES))
