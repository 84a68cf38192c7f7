"""Sites, their boxes, the boxes' cameras, and who may do what in a site."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy

from edge_runtime.protocol.sources import SourceKind, redact_source
from edge_runtime.protocol.target import SAMPLE_EVERY_S
from edge_runtime.protocol.target import Privacy as PrivacyLevel
from webapp.common.encryption import EncryptedTextField


class Role(models.TextChoices):
    """Each role may do everything that the ones above it may."""

    VIEWER = "viewer", gettext_lazy("Viewer")
    OPERATOR = "operator", gettext_lazy("Operator")
    APPROVER = "approver", gettext_lazy("Approver")
    ADMINISTRATOR = "administrator", gettext_lazy("Administrator")


class Site(models.Model):
    """A place with boxes; the unit of access control."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100, unique=True)
    requester_may_approve = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class SiteMembership(models.Model):
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="memberships")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="site_memberships")
    role = models.CharField(max_length=14, choices=Role.choices)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "person"], name="one_role_per_site")]

    def __str__(self) -> str:
        return f"{self.person} is {self.role} of {self.site}"


class Box(models.Model):
    """An edge computer. It is enrolled once it has used a join code and until its credential is revoked.

    `target_generation` grows with every change of what the box should do, so that boxes and pages can see one.
    `next_credential_hash` is of a new credential that was given out and not used yet. Since `credential_wanted_at` the
    box is asked to renew it.
    `connection` names the WebSocket it is connected through, so that an older one closing later changes nothing.
    `refusal` says why the server did not let it connect when it tried last, "" since it was let in.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="boxes")
    name = models.CharField(max_length=100)
    credential_hash = models.CharField(max_length=64, blank=True, db_index=True)
    next_credential_hash = models.CharField(max_length=64, blank=True, db_index=True)
    credential_at = models.DateTimeField(null=True, blank=True)
    credential_wanted_at = models.DateTimeField(null=True, blank=True)
    enrolled_at = models.DateTimeField(null=True, blank=True)
    hardware = models.JSONField(default=dict, blank=True)
    is_connected = models.BooleanField(default=False)
    connection = models.CharField(max_length=200, blank=True)
    refusal = models.CharField(max_length=200, blank=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)
    target_generation = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["site", "name"], name="box_name_per_site")]
        indexes = [models.Index(fields=["name"])]  # lists of boxes and cameras begin with the first of many

    def __str__(self) -> str:
        return self.name


class JoinCode(models.Model):
    """A one-time code that lets one machine become this box. Only its hash is stored."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    box = models.ForeignKey(Box, on_delete=models.CASCADE, related_name="join_codes")
    code_hash = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"join code of {self.box}"


class Camera(models.Model):
    """A video source attached to a box. `source` is encrypted; only `source_shown` (no password) is for people.

    `sample_every_s`: how far apart the frames are on which merged models are compared with their originals; 0: never.
    `probe_*` is the box's own answer about the camera; `picture` is the still it took, a path in the artifact store.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    box = models.ForeignKey(Box, on_delete=models.CASCADE, related_name="cameras")
    name = models.CharField(max_length=100)
    source = EncryptedTextField()
    source_kind = models.CharField(max_length=8, choices=[(kind.value, kind.value) for kind in SourceKind])
    privacy = models.CharField(
        max_length=8, choices=[(level.value, level.value) for level in PrivacyLevel], default=PrivacyLevel.FULL.value
    )
    sample_every_s = models.PositiveIntegerField(default=int(SAMPLE_EVERY_S), db_default=int(SAMPLE_EVERY_S))
    probe_request = models.PositiveIntegerField(default=1)
    probe_answered = models.PositiveIntegerField(default=0)
    probe_problem = models.TextField(blank=True)
    probed_at = models.DateTimeField(null=True, blank=True)
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    rate_fps = models.FloatField(default=0.0)
    codec = models.CharField(max_length=40, blank=True)
    picture = models.CharField(max_length=200, blank=True)
    picture_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["box__name", "name"]
        constraints = [models.UniqueConstraint(fields=["box", "name"], name="camera_name_per_box")]

    def __str__(self) -> str:
        return self.name

    @property
    def source_shown(self) -> str:
        return redact_source(self.source)
