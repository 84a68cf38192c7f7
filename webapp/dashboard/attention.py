"""What needs a person: one sentence and one action each, most urgent first."""

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.urls import reverse

from webapp.dashboard.rows import BoxRow, QueryRow
from webapp.fleets.models import Camera
from webapp.merges.models import MergedGroup
from webapp.rollouts.models import Rollout
from webapp.rollouts.status import Connection
from webapp.workloads.models import CheckState, Model


class Severity(enum.IntEnum):
    BROKEN = 0
    WRONG = 1
    WAITING = 2


@dataclass(frozen=True)
class Attention:
    severity: Severity
    sentence: str
    action: str
    address: str


def box_attention(rows: Iterable[BoxRow]) -> Iterator[Attention]:
    for row in rows:
        address = reverse("dashboard:box-detail", args=[row.box.id])
        if row.box.enrolled_at is None:
            join = reverse("fleets:box-join", args=[row.box.id])
            yield Attention(Severity.WAITING, f"No machine has joined as {row.box} yet.", "Show the command", join)
        elif row.status.connection == Connection.OFFLINE:
            yield Attention(Severity.BROKEN, f"{row.box} is offline. {row.status.sentence}", "Open box", address)
        elif row.status.sentence:
            yield Attention(Severity.WRONG, f"{row.box}: {row.status.sentence}", "Open box", address)


def camera_attention(cameras: Iterable[Camera]) -> Iterator[Attention]:
    for camera in cameras:
        if camera.probe_problem:
            address = reverse("dashboard:camera-detail", args=[camera.id])
            yield Attention(Severity.BROKEN, f"{camera}: {camera.probe_problem}", "Open camera", address)


def query_attention(rows: Iterable[QueryRow]) -> Iterator[Attention]:
    for row in rows:
        if row.is_below_target:
            address = reverse("dashboard:query-detail", args=[row.query.id])
            sentence = (
                f"{row.query} agrees with its original on {100 * row.sample.agreement:.1f} % of sampled frames, "
                f"below its target of {100 * row.query.accuracy_target:.1f} %."
            )
            yield Attention(Severity.WRONG, sentence, "Open query", address)


def model_attention(models: Iterable[Model]) -> Iterator[Attention]:
    for model in models:
        if model.state == CheckState.REJECTED:
            address = reverse("workloads:model-detail", args=[model.id])
            yield Attention(Severity.WRONG, f"{model} was rejected: {model.problem}", "Open model", address)


def rollout_attention(paused: Iterable[Rollout]) -> Iterator[Attention]:
    for rollout in paused:
        address = reverse("rollouts:rollout-detail", args=[rollout.id])
        yield Attention(Severity.WRONG, f"The {rollout} is paused. {rollout.pause_reason}", "Open rollout", address)


def group_attention(groups: Iterable[MergedGroup]) -> Iterator[Attention]:
    for group in groups:
        address = reverse("merges:group-detail", args=[group.id])
        sentence = f"{group} on {group.run.box} waits for a decision."
        yield Attention(Severity.WAITING, sentence, "Review", address)
