"""Durable jobs: rows in PostgreSQL are the truth, Celery messages only wake a worker."""
