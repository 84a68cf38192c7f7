"""Keeping statistics within their retention."""

from celery import shared_task
from django.utils import timezone

from webapp.telemetry.services import samples_prune


@shared_task(name="telemetry.prune")
def prune() -> None:
    samples_prune(now=timezone.now())
