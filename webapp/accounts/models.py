"""People who sign in. What they may do is said per site (fleets.SiteMembership)."""

import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models

from webapp.common.origin import Origin


class Person(AbstractUser):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    must_change_password = models.BooleanField(default=False)
    origin: Origin | None = None  # of the request in which this person acts

    def __str__(self) -> str:
        return self.get_full_name() or self.username


class Invitation(models.Model):
    """A one-time link with which a person chooses a password. Only the hash of its secret is stored."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="invitations")
    secret_hash = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"invitation of {self.person}"


class ApiToken(models.Model):
    """Lets a program act as its person, with that person's roles, or with `is_read_only` look at what that person sees.

    `hint` is how its secret starts, to recognise it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    hint = models.CharField(max_length=12)
    secret_hash = models.CharField(max_length=64, unique=True)
    is_read_only = models.BooleanField(default=False, db_default=False)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name
