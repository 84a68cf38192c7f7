"""What a site wants done about drift, and every drift that was found."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy

from webapp.fleets.models import Box, Site
from webapp.merges.models import MergedGroup, MergedGroupQuery, MergeRun
from webapp.workloads.models import Query


class Response(models.TextChoices):
    """Each does also what the ones above it do."""

    ALERT = "alert", gettext_lazy("Tell people only")
    REVERT = "revert", gettext_lazy("Also go back to the originals")
    MERGE = "merge", gettext_lazy("Also merge anew with fresh frames")


class DriftSettings(models.Model):
    """A site without a row has the defaults. A window is judged from `frames_min` scored frames on."""

    site = models.OneToOneField(Site, on_delete=models.CASCADE, related_name="drift_settings")
    response = models.CharField(max_length=8, choices=Response.choices, default=Response.MERGE)
    window_s = models.PositiveIntegerField(default=1800)
    frames_min = models.PositiveIntegerField(default=30)
    merge_frames = models.PositiveIntegerField(default=300)
    merge_span_s = models.PositiveIntegerField(default=600)

    def __str__(self) -> str:
        return f"drift settings of {self.site}"


class Baseline(models.Model):
    """What agreement was when a group that labels judged began to run in a query, under bundle `version` of its box.

    Kept once it is known: the minutes that it was worked out from are forgotten after some days.
    """

    member = models.ForeignKey(MergedGroupQuery, on_delete=models.CASCADE, related_name="+")
    query = models.ForeignKey(Query, on_delete=models.CASCADE, related_name="+")
    version = models.PositiveIntegerField()
    value = models.FloatField()
    frames = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["query", "member", "version"], name="one_baseline_per_start")]

    def __str__(self) -> str:
        return f"{self.query_id} at first: {self.value:.3f}"


class DriftState(models.TextChoices):
    """FOUND: only told. COLLECTING: reverted, frames are on their way. WAITING: for a decision about the new groups."""

    FOUND = "found"
    REVERTED = "reverted"
    COLLECTING = "collecting"
    MERGING = "merging"
    WAITING = "waiting"
    FAILED = "failed"
    ENDED = "ended"


class Drift(models.Model):
    """A merged group that fell below what it must keep on `box`: by which query and figures, what was done.

    `box`: where the group was found, or one that a rollout brought it to. `bar` is what the upper bound stayed below;
    see judging.bar_of. `datasets`: ids of those that were asked for. `until`: what nothing more is done about is told
    of until then.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="drifts")
    group = models.ForeignKey(MergedGroup, on_delete=models.CASCADE, related_name="drifts")
    box = models.ForeignKey(Box, on_delete=models.CASCADE, related_name="drifts")
    query = models.ForeignKey(Query, null=True, on_delete=models.SET_NULL, related_name="drifts")
    query_name = models.CharField(max_length=100)
    state = models.CharField(max_length=10, choices=DriftState.choices, default=DriftState.FOUND)
    value = models.FloatField()
    lower = models.FloatField()
    upper = models.FloatField()
    bar = models.FloatField()
    frames = models.PositiveIntegerField()
    window_s = models.PositiveIntegerField()
    datasets = models.JSONField(default=list)
    run = models.ForeignKey(MergeRun, null=True, on_delete=models.SET_NULL, related_name="drifts")
    problem = models.TextField(blank=True)
    found_at = models.DateTimeField()
    reverted_at = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-found_at"]
        indexes = [models.Index(fields=["ended_at"])]
        constraints = [
            models.UniqueConstraint(
                fields=["group", "box"], condition=models.Q(ended_at=None), name="one_drift_per_group_and_box"
            )
        ]

    def __str__(self) -> str:
        return f"drift of {self.group}"

    @property
    def is_where_found(self) -> bool:
        """Whether it is about the box that the group was found on, for which a new merge can be made."""
        return self.box_id == self.group.run.box_id
