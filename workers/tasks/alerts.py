"""Looking for what is wrong, and telling of it."""

from celery import shared_task
from django.utils import timezone

from webapp.alerts.conditions import findings
from webapp.alerts.facts import gather
from webapp.alerts.services import alerts_evaluate, alerts_prune, deliveries_send
from webapp.alerts.task_names import DELIVER


@shared_task(name="alerts.evaluate")
def evaluate() -> None:
    now = timezone.now()
    alerts_evaluate(findings=findings(gather(now), now), now=now)


@shared_task(name=DELIVER)
def deliver() -> None:
    deliveries_send(now=timezone.now())


@shared_task(name="alerts.prune")
def prune() -> None:
    alerts_prune(now=timezone.now())
