"""Watching the accuracy of merged groups, and forgetting what no window reaches."""

from celery import shared_task
from django.utils import timezone

from webapp.accuracy.services import accuracy_prune
from webapp.drift.services import drifts_follow


@shared_task(name="drift.follow")
def follow() -> None:
    drifts_follow(now=timezone.now())


@shared_task(name="accuracy.prune")
def prune() -> None:
    accuracy_prune(now=timezone.now())
