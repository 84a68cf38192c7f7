"""The software of one edge box: pulls approved bundles, runs their queries on cameras, reports statistics.

Installs without the server (own wheel, see pyproject.toml beside this file): no Django, no Celery.
"""

__version__ = "0.1.0"
