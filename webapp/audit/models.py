"""The audit log: rows are only ever added."""

import uuid

from django.conf import settings
from django.db import models


class AuditEvent(models.Model):
    """Who did what to what, when. `action` is a verb phrase such as "camera.create"; `detail` never holds secrets."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    action = models.CharField(max_length=60)
    subject_type = models.CharField(max_length=40)
    subject_id = models.UUIDField()
    subject_name = models.CharField(max_length=200)
    site_id = models.UUIDField(null=True)
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ["-at"]
        indexes = [models.Index(fields=["-at"]), models.Index(fields=["subject_id"])]

    def __str__(self) -> str:
        return f"{self.action} {self.subject_name}"
