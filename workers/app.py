"""The Celery app that workers and beat run: `celery -A workers.app worker -Q light` / `-Q gpu --pool solo`."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # two torch processes on few cores starve each other otherwise

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.config.settings.development")
django.setup()

from webapp.celery import celery_app  # noqa: E402  (settings come first)

celery_app.conf.include = [
    "workers.tasks.jobs",
    "workers.tasks.models",
    "workers.tasks.datasets",
    "workers.tasks.merges",
    "workers.tasks.rollouts",
    "workers.tasks.results",
    "workers.tasks.telemetry",
    "workers.tasks.alerts",
    "workers.tasks.drift",
    "workers.heartbeat",
]
app = celery_app
