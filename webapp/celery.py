"""The one Celery app object. The web application only sends tasks, by name; workers.app adds the task modules."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.config.settings.development")

celery_app = Celery("gemel")
celery_app.config_from_object("django.conf:settings", namespace="CELERY")
