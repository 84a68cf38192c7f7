"""What queries found, as people look at it: counts per minute, and single events."""

from datetime import timedelta

from django.db import models

from edge_runtime.protocol.target import Privacy
from webapp.fleets.models import Camera
from webapp.workloads.models import Query


class MinuteCount(models.Model):
    """What one query counted in one minute, on `frames` processed frames.

    `appeared`: class -> objects that appeared (classification: how often the answer changed to that class).
    `present`: class -> objects summed over the frames; divided by `frames` it is the mean number at a time
    (classification: the share of frames). A class that is missing was not seen; a minute that is missing was not
    measured. `query_id` is no foreign key: counts outlive a deleted query, and go with its camera.
    """

    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="minute_counts", db_index=False)
    query_id = models.UUIDField()
    minute = models.DateTimeField()
    frames = models.PositiveIntegerField(default=0)
    appeared = models.JSONField(default=dict)
    present = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["query_id", "minute"], name="one_count_per_query_and_minute")]
        indexes = [models.Index(fields=["camera", "minute"]), models.Index(fields=["minute"])]

    def __str__(self) -> str:
        return f"{self.query_id} {self.minute:%Y-%m-%d %H:%M}"


class HourCount(models.Model):
    """The MinuteCounts of one query added up over one hour (UTC), for charts (services/hours.py)."""

    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="hour_counts", db_index=False)
    query_id = models.UUIDField()
    hour = models.DateTimeField()
    frames = models.PositiveIntegerField()
    appeared = models.JSONField()
    present = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["query_id", "hour"], name="one_count_per_query_and_hour")]
        indexes = [models.Index(fields=["camera", "hour"]), models.Index(fields=["hour"])]

    def __str__(self) -> str:
        return f"{self.query_id} {self.hour:%Y-%m-%d %H:%M}"


class EventKind(models.TextChoices):
    """APPEARED: an object came into view (detection). CHANGED: the answer is another one (classification)."""

    APPEARED = "appeared"
    CHANGED = "changed"


class Event(models.Model):
    """Something that happened before a camera, as its box reported it; the box made the id.

    `area`: where the object is, xyxy as fractions of the picture, None for classification. `picture` is a path in the
    artifact store, "" where the camera's privacy keeps pictures on the box. An event outlives its query (`query_name`
    stays) and goes with its camera.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="events", db_index=False)
    query = models.ForeignKey(Query, on_delete=models.SET_NULL, null=True, related_name="events", db_index=False)
    query_name = models.CharField(max_length=100)
    kind = models.CharField(max_length=10, choices=EventKind.choices)
    label = models.CharField(max_length=100)
    at = models.DateTimeField()
    until = models.DateTimeField(null=True)
    score = models.FloatField()
    area = models.JSONField(null=True)
    picture = models.CharField(max_length=200, blank=True)
    picture_width = models.PositiveIntegerField(default=0)
    picture_height = models.PositiveIntegerField(default=0)
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["-at"]
        indexes = [models.Index(fields=["camera", "-at"]), models.Index(fields=["query", "-at"])]

    def __str__(self) -> str:
        return f"{self.label} {self.kind} {self.at:%Y-%m-%d %H:%M:%S}"

    @property
    def has_picture(self) -> bool:
        """Whether there is one, and the camera's privacy lets it be seen now."""
        return bool(self.picture) and self.camera.privacy != Privacy.OFF

    @property
    def seen_for(self) -> timedelta | None:
        return self.until - self.at if self.until else None
