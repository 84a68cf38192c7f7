"""The audit log: rows are only ever added. A trigger of the database refuses to change or delete one."""

import uuid

from django.conf import settings
from django.db import models


class AuditEvent(models.Model):
    """Who did what to what, when, from where. `actor` None is the system itself.

    `action` is a verb phrase such as "camera.create"; `detail` never holds secrets. `token` is the name of the API
    token that the actor used, "" for a page.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    action = models.CharField(max_length=60)
    subject_type = models.CharField(max_length=40)
    subject_id = models.UUIDField()
    subject_name = models.CharField(max_length=200)
    site_id = models.UUIDField(null=True)
    detail = models.JSONField(default=dict)
    address = models.GenericIPAddressField(null=True, blank=True)
    user_agent = models.CharField(max_length=200, blank=True)
    token = models.CharField(max_length=100, blank=True)

    class Meta:
        ordering = ["-at"]
        indexes = [
            models.Index(fields=["-at"]),
            models.Index(fields=["subject_id"]),
            models.Index(fields=["site_id", "-at"]),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.subject_name}"
