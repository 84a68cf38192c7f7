"""Merge runs, the merged groups they find, and the decisions about them."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy

from webapp.fleets.models import Box, Camera
from webapp.jobs.models import Job
from webapp.merges.privacy import may_show_picture
from webapp.workloads.models import Dataset, Model, Query


class MergeRunState(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Match(models.TextChoices):
    """Which layers may become one: alike in every setting, or with weights of the same shape."""

    EXACT = "exact", gettext_lazy("Layers that are alike in every setting")
    SHAPE = "shape", gettext_lazy("Also layers whose weights have the same shape, with another stride or padding")


class MergeRun(models.Model):
    """One search and retraining over a box's workload. For `result` see docs/merging.md.

    `starts_from`: the merged group whose weights its queries start from, None for their originals'.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    box = models.ForeignKey(Box, on_delete=models.CASCADE, related_name="merge_runs")
    job = models.OneToOneField(Job, null=True, on_delete=models.PROTECT, related_name="+")
    strategy = models.CharField(max_length=40, default="optimistic")
    match = models.CharField(max_length=10, choices=Match.choices, default=Match.EXACT)
    state = models.CharField(max_length=10, choices=MergeRunState.choices, default=MergeRunState.QUEUED)
    problem = models.TextField(blank=True)
    time_limit_s = models.PositiveIntegerField(default=1200)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    starts_from = models.ForeignKey("MergedGroup", null=True, on_delete=models.SET_NULL, related_name="+")
    bytes_before = models.BigIntegerField(default=0)
    bytes_after = models.BigIntegerField(default=0)
    result = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"merge of {self.box} at {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def has_found_nothing(self) -> bool:
        """It came to its end, and no merge kept every target."""
        return self.state == MergeRunState.SUCCEEDED and 0 < self.bytes_before <= self.bytes_after

    @property
    def shown_state(self) -> str:
        """For people: a run that saved nothing has not succeeded."""
        return "nothing found" if self.has_found_nothing else MergeRunState(self.state).label.lower()


class MergeRunQuery(models.Model):
    """A query as it was when the run was requested, with the data set that it is retrained and judged on."""

    run = models.ForeignKey(MergeRun, on_delete=models.CASCADE, related_name="run_queries")
    query = models.ForeignKey(Query, null=True, on_delete=models.SET_NULL, related_name="+")
    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="+")
    dataset = models.ForeignKey(Dataset, null=True, on_delete=models.SET_NULL, related_name="+")
    name = models.CharField(max_length=100)
    accuracy_target = models.FloatField()

    def __str__(self) -> str:
        return self.name


class MergeRunEvent(models.Model):
    """One line of the core's events.jsonl: live progress, kept so that a page opened later shows the whole run."""

    run = models.ForeignKey(MergeRun, on_delete=models.CASCADE, related_name="events")
    seq = models.PositiveIntegerField()
    at = models.DateTimeField()
    payload = models.JSONField()

    class Meta:
        ordering = ["seq"]
        constraints = [models.UniqueConstraint(fields=["run", "seq"], name="one_event_per_seq")]

    def __str__(self) -> str:
        return f"{self.run_id} #{self.seq}"


class MergedGroupState(models.TextChoices):
    """WAITING for a decision; APPROVED is what boxes run; SUPERSEDED when a later decision or change replaced it.

    REVERTED: its queries are back on their originals; it may be approved again.
    """

    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"
    REVERTED = "reverted"


class MergedGroup(models.Model):
    """Queries tied by shared layers. `shared_layers`: [{"size_bytes", "members": {query name: [layer names]}}]."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run = models.ForeignKey(MergeRun, on_delete=models.CASCADE, related_name="groups")
    name = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=MergedGroupState.choices, default=MergedGroupState.WAITING)
    bytes_before = models.BigIntegerField()
    bytes_after = models.BigIntegerField()
    shared_layers = models.JSONField(default=list)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name


RELATIVE_ACCURACY = "relative accuracy"  # a basis: judged on labels


class MergedGroupQuery(models.Model):
    """One member: its merged tensors (as Model.tensors) and its accuracy beside its original's, as fractions.

    `basis` says what `validation_*` and `test_*` are: "relative accuracy" (labels) or "agreement". The bounds are the
    ends of a 90 % interval; the group was accepted because `validation_lower` is at or above the target.
    `original_accuracy` and `merged_accuracy` are on validation against labels; without labels the first is unknown.
    `compared_frames`: validation and test frames on which both models' answers were laid beside each other; None where
    the run told nothing of that.
    """

    group = models.ForeignKey(MergedGroup, on_delete=models.CASCADE, related_name="members")
    query = models.ForeignKey(Query, null=True, on_delete=models.SET_NULL, related_name="merged_memberships")
    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=100)
    tensors = models.JSONField()
    accuracy_target = models.FloatField()
    basis = models.CharField(max_length=20)
    original_accuracy = models.FloatField(null=True)
    merged_accuracy = models.FloatField()
    validation_accuracy = models.FloatField()
    validation_lower = models.FloatField()
    validation_upper = models.FloatField()
    test_accuracy = models.FloatField(null=True)
    test_lower = models.FloatField(null=True)
    test_upper = models.FloatField(null=True)
    compared_frames = models.PositiveIntegerField(null=True)
    differing_frames = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return self.name

    @property
    def is_at_target(self) -> bool:
        return self.validation_lower >= self.accuracy_target

    @property
    def own_target(self) -> float:
        """The query's own target, which holds again when it runs; that of the run may have been another."""
        return self.accuracy_target if self.query is None else self.query.accuracy_target


class Disagreement(models.Model):
    """A frame to which a merged model answers otherwise than its original: some of the member's `differing_frames`.

    `original`, `merged`, `truth`: [{"label", "score", "box", "is_agreed"}] as the core's disagreements.Named; `truth`
    is None where no label says. `privacy`: what of the camera the frame shows; `picture`: a path in the artifact store,
    "" where the camera's privacy let none be kept, or it was kept long enough.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    member = models.ForeignKey(MergedGroupQuery, on_delete=models.CASCADE, related_name="disagreements")
    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="+")
    position = models.PositiveSmallIntegerField()
    frame = models.CharField(max_length=200)
    taken_at = models.DateTimeField(null=True)
    picture = models.CharField(max_length=200, blank=True)
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    privacy = models.CharField(max_length=8)
    original = models.JSONField()
    merged = models.JSONField()
    truth = models.JSONField(null=True)

    class Meta:
        ordering = ["position"]
        indexes = [models.Index(fields=["camera"], condition=~models.Q(picture=""), name="disagreement_with_picture")]

    def __str__(self) -> str:
        return f"{self.member}: {self.frame}"

    @property
    def may_be_seen(self) -> bool:
        """Whether its picture is there and the camera's privacy lets it be shown now."""
        return bool(self.picture) and may_show_picture(self.privacy, self.camera.privacy)


class PlacedMember(models.Model):
    """A member that runs in a query of another box than the one it was found on, for as long as the row is there."""

    box = models.ForeignKey(Box, on_delete=models.CASCADE, related_name="placed_members")
    member = models.ForeignKey(MergedGroupQuery, on_delete=models.CASCADE, related_name="placements")
    query = models.ForeignKey(Query, on_delete=models.CASCADE, related_name="placements")
    placed_at = models.DateTimeField()

    class Meta:
        ordering = ["-placed_at", "pk"]
        constraints = [models.UniqueConstraint(fields=["query", "member"], name="member_placed_once_per_query")]

    def __str__(self) -> str:
        return f"{self.member} on {self.box}"


class Verdict(models.TextChoices):
    APPROVE = "approve", gettext_lazy("Approve")
    REJECT = "reject", gettext_lazy("Reject")
    REVERT = "revert", gettext_lazy("Revert")

    @property
    def past(self) -> str:
        """As in "was approved"."""
        return {"approve": "approved", "reject": "rejected", "revert": "reverted"}[self.value]


class Decision(models.Model):
    """What a person decided about a merged group. Rows are only ever added: a trigger of the database sees to it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    group = models.ForeignKey(MergedGroup, on_delete=models.PROTECT, related_name="decisions")
    verdict = models.CharField(max_length=8, choices=Verdict.choices)
    reason = models.TextField(blank=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.verdict} {self.group}"
