"""Changing the fleet: sites, boxes and how they join, cameras."""

from webapp.fleets.services.boxes import (
    box_connected,
    box_create,
    box_disconnected,
    box_refused,
    box_revoke,
    box_seen,
    box_target_changed,
    boxes_seen,
    boxes_unseen_disconnect,
)
from webapp.fleets.services.cameras import (
    camera_create,
    camera_delete,
    camera_preview_record,
    camera_probe_record,
    camera_probe_request,
    camera_update,
)
from webapp.fleets.services.credentials import credential_issue, credential_rotation_request, credential_used
from webapp.fleets.services.enrolment import (
    JoinCodeExpired,
    JoinCodeUsed,
    JoinCodeWrong,
    box_enrol,
    join_code_create,
)
from webapp.fleets.services.sites import membership_remove, membership_set, site_create, site_update

__all__ = [
    "JoinCodeExpired",
    "JoinCodeUsed",
    "JoinCodeWrong",
    "box_connected",
    "box_create",
    "box_disconnected",
    "box_enrol",
    "box_refused",
    "box_revoke",
    "box_seen",
    "box_target_changed",
    "boxes_seen",
    "boxes_unseen_disconnect",
    "camera_create",
    "camera_delete",
    "camera_preview_record",
    "camera_probe_record",
    "camera_probe_request",
    "camera_update",
    "credential_issue",
    "credential_rotation_request",
    "credential_used",
    "join_code_create",
    "membership_remove",
    "membership_set",
    "site_create",
    "site_update",
]
