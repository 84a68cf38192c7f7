"""Boxes: made, revoked, seen. How one joins is enrolment's work."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext

from webapp.audit.services import audit_record
from webapp.common.names import checked_name, unique_name
from webapp.fleets.models import Box, Role, Site
from webapp.fleets.policies import require_role
from webapp.fleets.services.enrolment import join_code_create
from webapp.realtime.groups import box_commands
from webapp.realtime.publish import publish_on_commit
from webapp.realtime.topics import Topic, TopicKind, live_publish_on_commit, site_changed

UNSEEN_AFTER = timedelta(seconds=30)


@transaction.atomic
def box_create(*, actor: Any | None, site: Site, name: str, now: datetime) -> tuple[Box, str]:
    """A box and the join code that one machine can become it with."""
    require_role(actor, site, Role.OPERATOR)
    name = checked_name(name)
    with unique_name(gettext('There is a box called "%(name)s" in %(site)s already.') % {"name": name, "site": site}):
        box = Box.objects.create(site=site, name=name, created_at=now)
    audit_record(actor=actor, action="box.create", subject=box, site_id=site.id, now=now)
    site_changed(site.id, "box", box.id)
    return box, join_code_create(actor=actor, box=box, now=now)


@transaction.atomic
def box_revoke(*, actor: Any | None, box: Box, now: datetime) -> None:
    """Ends the box's access at once. A new join code lets a machine become this box again."""
    require_role(actor, box.site, Role.ADMINISTRATOR)
    box.join_codes.filter(used_at=None).update(expires_at=now)
    box.credential_hash, box.enrolled_at, box.is_connected, box.connection = "", None, False, ""
    box.next_credential_hash, box.credential_wanted_at = "", None
    box.save(
        update_fields=[
            *("credential_hash", "next_credential_hash", "credential_wanted_at"),
            *("enrolled_at", "is_connected", "connection"),
        ]
    )
    audit_record(actor=actor, action="box.revoke", subject=box, site_id=box.site_id, now=now)
    publish_on_commit(box_commands(box.id), "revoked", {})
    _connection_changed(box, False)


def box_target_changed(*, box_id: UUID) -> None:
    """Counts a change of what the box should do and, on commit, tells it to look. Call in the change's transaction."""
    Box.objects.filter(id=box_id).update(target_generation=F("target_generation") + 1)
    publish_on_commit(box_commands(box_id), "nudge", {})


@transaction.atomic
def box_connected(*, box: Box, connection: str, now: datetime) -> None:
    """The box is connected through `connection`; any earlier connection is told to close."""
    was_connected = Box.objects.filter(id=box.id, is_connected=True).exists()
    Box.objects.filter(id=box.id).update(is_connected=True, connection=connection, refusal="", last_seen_at=now)
    publish_on_commit(box_commands(box.id), "replaced", {"by": connection})
    if not was_connected:
        _connection_changed(box, True)


@transaction.atomic
def box_disconnected(*, box: Box, connection: str) -> None:
    """Does nothing when the box is connected through another connection by now."""
    gone = Box.objects.filter(id=box.id, connection=connection, is_connected=True)
    if gone.update(is_connected=False, connection=""):
        _connection_changed(box, False)


@transaction.atomic
def box_refused(*, box: Box, reason: str) -> None:
    """The box proved who it is, but cannot be let in until somebody does something about `reason`, one sentence."""
    if Box.objects.filter(id=box.id).exclude(refusal=reason).update(refusal=reason):
        _connection_changed(box, False)


def box_seen(*, box_id: UUID, now: datetime) -> None:
    """The box showed that it lives and holds a valid credential."""
    Box.objects.filter(id=box_id).update(last_seen_at=now)


def boxes_seen(*, box_ids: Collection[UUID], now: datetime) -> frozenset[UUID]:
    """As box_seen, for many, and locks their rows until the transaction ends. Returns those that exist.

    In one order, so that two transactions never wait for each other.
    """
    found = Box.objects.select_for_update(no_key=True).filter(id__in=box_ids).order_by("id")
    known = frozenset(found.values_list("id", flat=True))
    Box.objects.filter(id__in=known).update(last_seen_at=now)
    return known


@transaction.atomic
def boxes_unseen_disconnect(*, now: datetime) -> int:
    """Marks boxes whose connection went silent (a killed server never noticed it close). Returns how many."""
    silent = list(Box.objects.filter(is_connected=True, last_seen_at__lt=now - UNSEEN_AFTER))
    for box in silent:
        box_disconnected(box=box, connection=box.connection)
    return len(silent)


def _connection_changed(box: Box, is_connected: bool) -> None:
    live_publish_on_commit(Topic(TopicKind.BOX, box.id), "connection", is_connected=is_connected)
    site_changed(box.site_id, "box", box.id)
