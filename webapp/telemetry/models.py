"""Statistics as the boxes measured them, about one sample a second and box, and added up per minute and hour."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models

from webapp.fleets.models import Box


class BoxSample(models.Model):
    """One Stats message (protocol.messages). The memory bands add up to the budget; bytes. (boot_id, seq) is unique.

    `host`: a protocol.messages.HostSample; only every few samples have one. `samples_dropped`: how many samples the box
    had lost by then, since it has its spool.
    """

    box = models.ForeignKey(Box, on_delete=models.CASCADE, related_name="samples", db_index=False)
    boot_id = models.CharField(max_length=40)
    seq = models.BigIntegerField()
    at = models.DateTimeField()
    interval_s = models.FloatField()
    bundle_version = models.PositiveIntegerField()
    memory_budget = models.BigIntegerField()
    memory_private = models.BigIntegerField()
    memory_shared = models.BigIntegerField()
    memory_activations = models.BigIntegerField()
    memory_overhead = models.BigIntegerField()
    memory_free = models.BigIntegerField()
    memory_rss = models.BigIntegerField()
    cpu_percent = models.FloatField(default=0.0)
    cameras = models.JSONField(default=list)
    host = models.JSONField(null=True)
    samples_dropped = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["box", "boot_id", "seq"], name="one_box_sample_per_seq")]
        indexes = [
            models.Index(fields=["box", "-at"]),
            models.Index(fields=["box", "bundle_version", "at"]),
            BrinIndex(fields=["at"], name="box_sample_at_brin"),
        ]

    def __str__(self) -> str:
        return f"{self.box_id} {self.at:%H:%M:%S}"


class QuerySample(models.Model):
    """One query in one BoxSample. `query_id` is no foreign key: statistics outlive a deleted query."""

    box_sample = models.ForeignKey(BoxSample, on_delete=models.CASCADE, related_name="query_samples")
    query_id = models.UUIDField()
    at = models.DateTimeField()
    bundle_version = models.PositiveIntegerField()
    captured = models.PositiveIntegerField()
    processed = models.PositiveIntegerField()
    dropped = models.PositiveIntegerField()
    late = models.PositiveIntegerField()
    latency_p50_ms = models.FloatField(null=True)
    latency_p95_ms = models.FloatField(null=True)
    swaps = models.PositiveIntegerField()
    swap_ms = models.FloatField()
    resident = models.FloatField(null=True)
    agreement = models.FloatField(null=True)
    agreement_frames = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=dict)
    appeared = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(fields=["query_id", "-at"]),
            BrinIndex(fields=["at"], name="query_sample_at_brin"),
        ]

    def __str__(self) -> str:
        return f"{self.query_id} {self.at:%H:%M:%S}"


class Resolution(models.TextChoices):
    MINUTE = "minute"
    HOUR = "hour"


# What charts draw stands in the index itself: rows come minute by minute, so that those of one box or query lie on as
# many pages as there are of them, and in the index side by side.
_BOX_CHARTED = tuple(f"memory_{band}" for band in ("overhead", "activations", "private", "shared", "free", "budget"))
_QUERY_CHARTED = ("processed", "latency_p50_ms", "latency_p95_ms", "agreement", "dropped", "late")


class BoxRollup(models.Model):
    """A box over one minute or hour from `start` on: means over the `seconds` that it sent statistics of; bytes.

    Of its queries, so that nobody has to read those of a whole fleet: frames, how many had their agreement sampled
    (`judged`), and how many of these were at or above their accuracy target (`kept`). The order of the fields is that
    of the columns in services/rollups.py.
    """

    box = models.ForeignKey(Box, on_delete=models.CASCADE, related_name="rollups", db_index=False)
    resolution = models.CharField(max_length=6, choices=Resolution.choices)
    start = models.DateTimeField()
    seconds = models.FloatField()
    memory_budget = models.BigIntegerField()
    memory_private = models.BigIntegerField()
    memory_shared = models.BigIntegerField()
    memory_activations = models.BigIntegerField()
    memory_overhead = models.BigIntegerField()
    memory_free = models.BigIntegerField()
    memory_used_max = models.BigIntegerField()
    cpu_percent = models.FloatField()
    captured = models.BigIntegerField(default=0, db_default=0)
    processed = models.BigIntegerField(default=0, db_default=0)
    judged = models.PositiveIntegerField(default=0, db_default=0)
    kept = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["box", "resolution", "start"], include=_BOX_CHARTED, name="one_charted_box_rollup"
            )
        ]
        indexes = [models.Index(fields=["resolution", "start"])]

    def __str__(self) -> str:
        return f"{self.box_id} {self.resolution} {self.start:%Y-%m-%d %H:%M}"


class QueryRollup(models.Model):
    """A query over one minute or hour from `start` on: sums of frames, swaps and their ms.

    `latency_p50_ms`: mean of the samples' medians, weighted by processed frames; `latency_p95_ms`: the highest of their
    95th percentiles; `agreement`: mean of the samples'. `query_id` is no foreign key: statistics outlive a query.
    """

    box = models.ForeignKey(Box, on_delete=models.CASCADE, related_name="query_rollups", db_index=False)
    query_id = models.UUIDField()
    resolution = models.CharField(max_length=6, choices=Resolution.choices)
    start = models.DateTimeField()
    captured = models.BigIntegerField()
    processed = models.BigIntegerField()
    dropped = models.BigIntegerField()
    late = models.BigIntegerField()
    swaps = models.BigIntegerField()
    swap_ms = models.FloatField()
    latency_p50_ms = models.FloatField(null=True)
    latency_p95_ms = models.FloatField(null=True)
    agreement = models.FloatField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["query_id", "resolution", "start"], include=_QUERY_CHARTED, name="one_charted_query_rollup"
            )
        ]
        indexes = [models.Index(fields=["resolution", "start"]), models.Index(fields=["box", "resolution", "start"])]

    def __str__(self) -> str:
        return f"{self.query_id} {self.resolution} {self.start:%Y-%m-%d %H:%M}"


class RollupDue(models.Model):
    """A minute of a box for which a sample came late, so that it has to be added up again."""

    box = models.ForeignKey(Box, on_delete=models.CASCADE, related_name="+")
    minute = models.DateTimeField()
    marked_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["box", "minute"], name="one_rollup_due_per_minute")]

    def __str__(self) -> str:
        return f"{self.box_id} {self.minute:%Y-%m-%d %H:%M}"
