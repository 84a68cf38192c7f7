"""Bundles, the reported state of boxes, and rollouts of merged groups to further boxes."""

import uuid

from django.conf import settings
from django.db import models

from webapp.fleets.models import Box
from webapp.merges.models import MergedGroup
from webapp.rollouts.terms import Terms
from webapp.rollouts.windows import Window


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
    camera_reasons = models.JSONField(default=dict, db_default={})
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
    visit_ms = models.FloatField(default=0.0)
    short_visit_ms = models.FloatField(default=0.0)
    measured_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"measurement of {self.box}"


class NetworkMeasurement(models.Model):
    """A network as the box last ran it, in this bundle or an earlier one.

    `batches`: [[size, run_ms, bytes, is_doubted, after_load_ms, beside_copy_ms], ...], of which an earlier version kept
    the first three or four.
    """

    measurement = models.ForeignKey(BoxMeasurement, on_delete=models.CASCADE, related_name="networks")
    architecture = models.CharField(max_length=80)
    input_height = models.PositiveIntegerField()
    input_width = models.PositiveIntegerField()
    class_count = models.PositiveIntegerField()
    batches = models.JSONField()
    switch_ms = models.FloatField(default=0.0)
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
        return all(batch[3:4] == [True] for batch in self.batches)


class RolloutState(models.TextChoices):
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    ABORTED = "aborted"
    ROLLED_BACK = "rolled back"


class Rollout(models.Model):
    """A merged group on its way to further boxes of its site, wave by wave (waves.py says how it goes on).

    Its terms are those of terms.py; without `window_start` there is no maintenance window. `pause_reason`: one
    sentence, while it is paused.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    group = models.ForeignKey(MergedGroup, on_delete=models.PROTECT, related_name="rollouts")
    state = models.CharField(max_length=12, choices=RolloutState.choices, default=RolloutState.RUNNING)
    pause_reason = models.TextField(blank=True)
    percentages = models.JSONField()
    success_percent = models.PositiveSmallIntegerField()
    error_percent = models.PositiveSmallIntegerField()
    window_start = models.TimeField(null=True)
    window_end = models.TimeField(null=True)
    window_zone = models.CharField(max_length=64, blank=True)
    window_days = models.JSONField(default=list)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"rollout of {self.group}"

    @property
    def terms(self) -> Terms:
        window = None
        if self.window_start is not None and self.window_end is not None:
            days = frozenset(self.window_days)
            window = Window(self.window_start, self.window_end, self.window_zone, days)
        return Terms(tuple(self.percentages), self.success_percent, self.error_percent, window)


class RolloutBoxState(models.TextChoices):
    """UPDATING: told to run the merged group, and not trusted yet. ROLLED_BACK: told to run what it ran before."""

    WAITING = "waiting"
    UPDATING = "updating"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ROLLED_BACK = "rolled back"


class RolloutBox(models.Model):
    """A box in one wave of a rollout. `sentence` says why it failed; `is_accepted`: a person went on without it.

    `bundle`: what it was told to run, from when it started.
    """

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="boxes")
    box = models.ForeignKey(Box, on_delete=models.CASCADE, related_name="rollout_boxes")
    wave = models.PositiveIntegerField()
    state = models.CharField(max_length=12, choices=RolloutBoxState.choices, default=RolloutBoxState.WAITING)
    sentence = models.TextField(blank=True)
    is_accepted = models.BooleanField(default=False)
    bundle = models.ForeignKey(Bundle, null=True, on_delete=models.SET_NULL, related_name="+")
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["wave", "box__name"]
        constraints = [models.UniqueConstraint(fields=["rollout", "box"], name="one_wave_per_rollout_box")]

    def __str__(self) -> str:
        return f"{self.box} in wave {self.wave + 1}"
