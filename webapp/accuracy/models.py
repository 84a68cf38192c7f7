"""Scored frames, added up per minute, so that the accuracy of any window comes from few rows."""

from django.db import models

from webapp.fleets.models import Box


class AccuracyMinute(models.Model):
    """Frames of one query that its box scored in one minute against the original, while it ran one bundle version.

    Per frame `right` is twice the true positives, and `total` that and the false positives and negatives: their sums,
    and those of their squares and products, are what a bound needs (windows.Sums). `query_id` is no foreign key: a
    query may be deleted while statistics of it arrive.
    """

    box = models.ForeignKey(Box, on_delete=models.CASCADE, related_name="+")
    query_id = models.UUIDField()
    bundle_version = models.PositiveIntegerField()
    minute = models.DateTimeField()
    frames = models.PositiveIntegerField(default=0)
    right = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    right_right = models.BigIntegerField(default=0)
    right_total = models.BigIntegerField(default=0)
    total_total = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["query_id", "minute", "bundle_version"], name="one_accuracy_minute")
        ]
        indexes = [models.Index(fields=["minute"])]

    def __str__(self) -> str:
        return f"{self.query_id} {self.minute:%Y-%m-%d %H:%M}"
