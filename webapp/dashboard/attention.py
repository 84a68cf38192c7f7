"""What needs a person: one sentence and one action each, most urgent first."""

import enum
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext

from webapp.alerts.models import Alert, AlertKind
from webapp.dashboard.rows import QueryRow
from webapp.fleets.models import Box, Camera
from webapp.merges.models import MergedGroup
from webapp.rollouts.models import Rollout
from webapp.rollouts.status import BoxStatus, Connection
from webapp.workloads.models import CheckState, Model

_BROKEN = (AlertKind.BOX_OFFLINE, AlertKind.CAMERA_DEAD, AlertKind.JOB_STUCK, AlertKind.WORKER_MISSING)


class Severity(enum.IntEnum):
    BROKEN = 0
    WRONG = 1
    WAITING = 2


@dataclass(frozen=True)
class Attention:
    """`subject`: the box, camera or query that it is about. `more`: what else is wrong with it, a sentence each."""

    severity: Severity
    sentence: str
    action: str
    address: str
    subject: UUID | None = None
    more: tuple[str, ...] = ()


def box_attention(
    boxes: Iterable[Box], statuses: Mapping[Any, BoxStatus], said: Collection[UUID | None] = ()
) -> Iterator[Attention]:
    """`statuses`: of each by its id. `said`: cameras of which it stands elsewhere that they fail."""
    cameras = {str(one) for one in said}
    for box in boxes:
        status = statuses[box.id]
        if box.enrolled_at is None:
            join = reverse("fleets:box-join", args=[box.id])
            yield Attention(
                Severity.WAITING,
                gettext("No machine has joined as %(box)s yet.") % {"box": box},
                gettext("Show the command"),
                join,
            )
        elif status.sentence:
            yield from _of_box(
                box, status, {words for camera, words in status.camera_reasons.items() if camera in cameras}
            )


def _of_box(box: Box, status: BoxStatus, said: Collection[str]) -> Iterator[Attention]:
    """`said`: reasons that stand elsewhere."""
    address = reverse("dashboard:box-detail", args=[box.id])
    if status.connection == Connection.OFFLINE:
        sentence = gettext("%(box)s is offline. %(sentence)s") % {"box": box, "sentence": status.sentence}
        yield Attention(Severity.BROKEN, sentence, gettext("Open box"), address, box.id)
        return
    reasons = [reason for reason in status.reasons if reason not in said]
    if not reasons:
        return
    action = gettext("Does it keep up?") if status.is_losing else gettext("Open box")
    place = "#keeps-up" if status.is_losing else ""
    subject = box.id if status.has_refused else None  # other alerts on a box are about something else
    yield Attention(Severity.WRONG, f"{box}: {reasons[0]}", action, address + place, subject, tuple(reasons[1:]))


def camera_attention(cameras: Iterable[Camera]) -> Iterator[Attention]:
    for camera in cameras:
        if camera.probe_problem:
            address = reverse("dashboard:camera-detail", args=[camera.id])
            yield Attention(
                Severity.BROKEN, f"{camera}: {camera.probe_problem}", gettext("Open camera"), address, camera.id
            )


def query_attention(rows: Iterable[QueryRow]) -> Iterator[Attention]:
    for row in rows:
        if row.is_below_target:
            address = reverse("dashboard:query-detail", args=[row.query.id])
            if row.accepted is None:
                words = gettext(
                    "%(query)s agrees with its original on %(share)s %% of sampled frames, below its target of "
                    "%(target)s %%."
                )
                share = row.sample.agreement
            else:
                words = gettext(
                    "%(query)s was approved to keep %(share)s %% of its accuracy on labels, below its target of "
                    "%(target)s %%."
                )
                share = row.accepted.validation_accuracy
            figures = {"share": f"{100 * share:.1f}", "target": f"{100 * row.query.accuracy_target:.1f}"}
            sentence = words % {"query": row.query, **figures}
            yield Attention(Severity.WRONG, sentence, gettext("Open query"), address, row.query.id)


def alert_attention(alerts: Iterable[Alert]) -> Iterator[Attention]:
    for alert in alerts:
        address = f"{reverse('alerts:alert-list')}?{urlencode({'text': alert.subject_name})}"
        severity = Severity.BROKEN if alert.kind in _BROKEN else Severity.WRONG
        yield Attention(severity, alert.sentence, gettext("Open alert"), address, alert.subject_id)


def said_once(alerts: Iterable[Attention], others: Iterable[Attention]) -> list[Attention]:
    """The most urgent first. What an alert is about is not said a second time."""
    told = list(alerts)
    subjects = {need.subject for need in told}
    rest = [need for need in others if need.subject is None or need.subject not in subjects]
    return sorted([*told, *rest], key=lambda need: need.severity)


def model_attention(models: Iterable[Model]) -> Iterator[Attention]:
    for model in models:
        address = reverse("workloads:model-detail", args=[model.id])
        if model.state == CheckState.UNDESCRIBED:
            sentence = (
                gettext("%(model)s was recognised and waits for what its weights do not tell. %(problem)s")
                % {"model": model, "problem": model.problem}
            ).strip()
            yield Attention(Severity.WAITING, sentence, gettext("Describe it"), address)
        if model.state == CheckState.REJECTED:
            yield Attention(
                Severity.WRONG,
                gettext("%(model)s was rejected: %(problem)s") % {"model": model, "problem": model.problem},
                gettext("Open model"),
                address,
            )


def rollout_attention(paused: Iterable[Rollout]) -> Iterator[Attention]:
    for rollout in paused:
        address = reverse("rollouts:rollout-detail", args=[rollout.id])
        yield Attention(
            Severity.WRONG,
            gettext("The %(rollout)s is paused. %(pause_reason)s")
            % {"rollout": rollout, "pause_reason": rollout.pause_reason},
            gettext("Open rollout"),
            address,
        )


def group_attention(groups: Iterable[MergedGroup]) -> Iterator[Attention]:
    for group in groups:
        address = reverse("merges:group-detail", args=[group.id])
        sentence = gettext("%(group)s on %(box)s waits for a decision.") % {"group": group, "box": group.run.box}
        yield Attention(Severity.WAITING, sentence, gettext("Review"), address)
