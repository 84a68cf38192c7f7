"""Registered models, data sets for merging, and queries."""

import uuid

from django.core.validators import MaxValueValidator
from django.db import models
from django.utils.translation import gettext_lazy

from edge_runtime.protocol.target import Privacy
from webapp.fleets.models import Camera, Site


class CheckState(models.TextChoices):
    """A worker checks an upload before it can be used, and recognises it before that where nobody said all of it.

    UNDESCRIBED: a person has to say what its tensors do not tell.
    """

    RECOGNISING = "recognising", "being recognised"
    UNDESCRIBED = "undescribed", "needs your word"
    CHECKING = "checking"
    READY = "ready"
    REJECTED = "rejected"


class Model(models.Model):
    """An original: architecture, weights, classes, input size, as registered by a person.

    `tensors`: state-dict name -> {"digest", "dtype", "shape"} (protocol.manifest.TensorEntry), blobs in the artifact
    store. `layers`: the inventory, [{"name", "kind", "signature", "parameters", "size_bytes", "position"}]. Both, and
    `size_bytes`, are filled by the check in a worker. `upload` is the path of the uploaded file until then.
    `recognition` (workloads.recognition.Recognition): what its tensors told, where a person did not say it all;
    architecture, classes and input size are empty and 0 until they are known.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="models")
    name = models.CharField(max_length=100)
    architecture = models.CharField(max_length=80, blank=True)
    task = models.CharField(max_length=20, blank=True)
    classes = models.JSONField(default=list, blank=True)
    input_height = models.PositiveIntegerField(default=0, validators=[MaxValueValidator(2048)])
    input_width = models.PositiveIntegerField(default=0, validators=[MaxValueValidator(2048)])
    state = models.CharField(max_length=12, choices=CheckState.choices, default=CheckState.CHECKING)
    problem = models.TextField(blank=True)
    recognition = models.JSONField(default=dict, blank=True)
    upload = models.CharField(max_length=200, blank=True)
    tensors = models.JSONField(default=dict, blank=True)
    layers = models.JSONField(default=list, blank=True)
    size_bytes = models.BigIntegerField(default=0)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["site", "name"], name="model_name_per_site")]

    def __str__(self) -> str:
        return self.name


class DatasetKind(models.TextChoices):
    """FRAMES: sampled by a box from a camera, labelled where the source knows the truth. COCO/IMAGEFOLDER: uploads."""

    FRAMES = "frames", gettext_lazy("Frames")
    COCO = "coco", gettext_lazy("Coco")
    IMAGEFOLDER = "imagefolder", gettext_lazy("Imagefolder")


class DatasetState(models.TextChoices):
    COLLECTING = "collecting"
    CHECKING = "checking"
    READY = "ready"
    REJECTED = "rejected"


class Dataset(models.Model):
    """Frames of one camera for retraining and evaluation. `folder` is a path in the artifact store.

    FRAMES: the folder holds frames.json (protocol.messages.FrameIndex) and its JPEGs. A box fills it on request:
    `frame_count` of `frames_wanted` over `span_s` seconds. `privacy`: what of the camera the frames show: BLURRED only
    where the box blurred people in every one of them.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="datasets")
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=12, choices=DatasetKind.choices)
    state = models.CharField(max_length=10, choices=DatasetState.choices)
    problem = models.TextField(blank=True)
    upload = models.CharField(max_length=200, blank=True)
    folder = models.CharField(max_length=200, blank=True)
    frames_wanted = models.PositiveIntegerField(default=0)
    span_s = models.FloatField(default=0.0)
    privacy = models.CharField(max_length=8, default=Privacy.FULL.value)
    frame_count = models.PositiveIntegerField(default=0)
    labelled_count = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name


class Query(models.Model):
    """One model on one camera. `objects` is the subset of the model's classes that people asked for.

    `priority` and `zone` ([[x, y], ...], empty for the whole picture; of detection queries only): as
    protocol.target.QueryTarget.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="queries")
    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="queries")
    name = models.CharField(max_length=100)
    objects_wanted = models.JSONField()
    accuracy_target = models.FloatField(default=0.95)
    rate_fps = models.FloatField(default=5.0)
    deadline_ms = models.PositiveIntegerField(default=500)
    priority = models.FloatField(default=1.0)
    zone = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["camera__box__name", "name"]
        verbose_name_plural = "queries"
        constraints = [
            models.UniqueConstraint(fields=["camera", "name"], name="query_name_per_camera"),
            models.CheckConstraint(
                condition=models.Q(accuracy_target__gt=0, accuracy_target__lte=1), name="accuracy_target_in_0_1"
            ),
        ]

    def __str__(self) -> str:
        return self.name
