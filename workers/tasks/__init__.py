"""Celery tasks, thin: load, one call into the core, record the result."""
