"""Adding statistics up, and keeping them within their retention."""

from celery import shared_task
from django.utils import timezone

from webapp.telemetry.services import rollups_prune, rollups_update, samples_prune


@shared_task(name="telemetry.prune")
def prune() -> None:
    samples_prune(now=timezone.now())
    rollups_prune(now=timezone.now())


@shared_task(name="telemetry.roll_up")
def roll_up() -> None:
    rollups_update(now=timezone.now())
