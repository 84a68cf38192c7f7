"""Bundles, and the reported state of boxes."""

import uuid

from django.db import models

from webapp.fleets.models import Box


class Bundle(models.Model):
    """A signed manifest. Its tensors are blobs in the artifact store. `version` only grows within a box.

    `attempt` grows when a person has it tried again. `cancelled_at`: it is no longer wanted, unless the box runs it
    already. `bytes_sent`: what the box had to download for it, None until it runs.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    box = models.ForeignKey(Box, on_delete=models.CASCADE, related_name="bundles")
    version = models.PositiveIntegerField()
    manifest = models.TextField()
    manifest_digest = models.CharField(max_length=64, db_index=True)
    signature = models.CharField(max_length=128)
    reason = models.CharField(max_length=200)
    size_bytes = models.BigIntegerField()
    is_merged = models.BooleanField(default=False)
    attempt = models.PositiveIntegerField(default=0)
    cancelled_at = models.DateTimeField(null=True)
    bytes_sent = models.BigIntegerField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-version"]
        constraints = [models.UniqueConstraint(fields=["box", "version"], name="bundle_version_per_box")]

    def __str__(self) -> str:
        return f"bundle {self.version} of {self.box}"


class SigningKeyRotation(models.Model):
    """One change of the key that signs manifests (protocol.signing.KeyRotation): boxes follow the whole chain."""

    old_public_key = models.CharField(max_length=64, unique=True)
    new_public_key = models.CharField(max_length=64)
    signature = models.CharField(max_length=128)
    at = models.DateTimeField()

    class Meta:
        ordering = ["at"]

    def __str__(self) -> str:
        return f"{self.old_public_key[:8]} to {self.new_public_key[:8]}"


class BoxReport(models.Model):
    """The last Report of a box (protocol.messages): what it really runs, never assumed."""

    box = models.OneToOneField(Box, on_delete=models.CASCADE, related_name="report")
    state = models.CharField(max_length=20)
    sentence = models.TextField(blank=True)
    manifest_digest = models.CharField(max_length=64, blank=True)
    bundle_version = models.PositiveIntegerField(default=0)
    bytes_downloaded = models.BigIntegerField(default=0)
    is_confirmed = models.BooleanField(default=True)
    refused_digest = models.CharField(max_length=64, blank=True)
    reported_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"report of {self.box}"


class BoxMeasurement(models.Model):
    """What a box last said of itself (protocol.measurements): its budget, its link, and the hardware all holds for."""

    box = models.OneToOneField(Box, on_delete=models.CASCADE, related_name="measurement")
    hardware = models.CharField(max_length=200, db_index=True)
    policy = models.CharField(max_length=40)
    budget_bytes = models.BigIntegerField()
    overhead_bytes = models.BigIntegerField()
    load_bytes_per_s = models.FloatField(null=True)
    measured_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"measurement of {self.box}"


class NetworkMeasurement(models.Model):
    """A network as the box last ran it, in this bundle or an earlier one.

    `batches`: [[size, run_ms, bytes, is_doubted], ...], without the last where an earlier version kept it.
    """

    measurement = models.ForeignKey(BoxMeasurement, on_delete=models.CASCADE, related_name="networks")
    architecture = models.CharField(max_length=80)
    input_height = models.PositiveIntegerField()
    input_width = models.PositiveIntegerField()
    class_count = models.PositiveIntegerField()
    batches = models.JSONField()
    measured_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["measurement", "architecture", "input_height", "input_width", "class_count"],
                name="one_measurement_per_network",
            )
        ]

    def __str__(self) -> str:
        return f"{self.architecture} {self.input_height}x{self.input_width}"

    @property
    def is_doubted(self) -> bool:
        """Whether the box doubts all of its run times (protocol.measurements.BatchMeasured)."""
        return all(batch[3:] == [True] for batch in self.batches)
