"""Celery workers and the merging core. `workers.merging` is usable without the web application."""
