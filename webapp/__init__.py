"""The Django project: the dashboard, its API for boxes, and the truth in PostgreSQL. Never imports torch."""
