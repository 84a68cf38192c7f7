"""Alerts, silences, who is told of alerts, and the messages that tell them."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy

from webapp.common.encryption import EncryptedTextField
from webapp.fleets.models import Site


class AlertKind(models.TextChoices):
    ACCURACY_BELOW_TARGET = "accuracy below target", gettext_lazy("accuracy below target")
    BOX_OFFLINE = "box offline", gettext_lazy("box offline")
    CAMERA_DEAD = "camera dead", gettext_lazy("camera dead")
    BUNDLE_ROLLED_BACK = "bundle rolled back", gettext_lazy("bundle rolled back")
    FRAMES_LOST = "frames lost", gettext_lazy("frames lost")
    STATISTICS_LOST = "statistics lost", gettext_lazy("statistics lost")
    JOB_STUCK = "job stuck", gettext_lazy("job stuck")
    WORKER_MISSING = "worker missing", gettext_lazy("worker missing")


class Alert(models.Model):
    """A condition that holds, or held, for one subject. Of a kind and subject at most one is not closed.

    `noticed_at`: since when the condition held. `opened_at` is None until it has held long enough to tell anybody;
    `clear_since`: since when it has held no more, None while it holds. `site` None: it concerns the installation.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    site = models.ForeignKey(Site, null=True, on_delete=models.CASCADE, related_name="alerts")
    kind = models.CharField(max_length=30, choices=AlertKind.choices)
    subject_type = models.CharField(max_length=20)
    subject_id = models.UUIDField()
    subject_name = models.CharField(max_length=200)
    sentence = models.TextField()
    noticed_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True)
    clear_since = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-noticed_at"]
        indexes = [models.Index(fields=["site", "-opened_at"]), models.Index(fields=["closed_at"])]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject_id"], condition=models.Q(closed_at=None), name="one_alert_per_kind_and_subject"
            )
        ]

    def __str__(self) -> str:
        return f"{self.subject_name}: {self.get_kind_display()}"


class Silence(models.Model):
    """Until `until` nobody is told of alerts of this kind and subject; of any in the site where both are empty."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    site = models.ForeignKey(Site, null=True, on_delete=models.CASCADE, related_name="silences")
    kind = models.CharField(max_length=30, choices=AlertKind.choices, blank=True)
    subject_id = models.UUIDField(null=True)
    subject_name = models.CharField(max_length=200, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    until = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["until"]
        indexes = [models.Index(fields=["until"])]

    def __str__(self) -> str:
        return f"{self.subject_name}: {self.get_kind_display()}" if self.kind else f"all alerts of {self.site}"


class Channel(models.TextChoices):
    EMAIL = "email", gettext_lazy("E-mail")
    WEBHOOK = "webhook", gettext_lazy("Webhook")


class Receiver(models.Model):
    """Somebody, or a program, that is told of a site's alerts. `secret` signs what a webhook gets."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="alert_receivers")
    channel = models.CharField(max_length=10, choices=Channel.choices)
    address = EncryptedTextField()
    secret = EncryptedTextField(blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["channel", "created_at"]

    def __str__(self) -> str:
        return self.address_shown

    @property
    def address_shown(self) -> str:
        """An address may hold a secret in its path, as those of chat services do: only its start is for people."""
        if self.channel == Channel.EMAIL:
            return self.address
        scheme, _, rest = self.address.partition("://")
        host, _, path = rest.partition("/")
        return f"{scheme}://{host}/{path[:4]}…" if len(path) > 4 else self.address


class DeliveryKind(models.TextChoices):
    OPENED = "opened"
    CLOSED = "closed"
    TEST = "test"


class Delivery(models.Model):
    """One message to one receiver. It is due at `next_at` until it was sent or given up."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    receiver = models.ForeignKey(Receiver, on_delete=models.CASCADE, related_name="deliveries")
    alert = models.ForeignKey(Alert, null=True, on_delete=models.CASCADE, related_name="deliveries")
    kind = models.CharField(max_length=10, choices=DeliveryKind.choices)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["next_at"])]

    def __str__(self) -> str:
        return f"{self.kind} to {self.receiver}"
