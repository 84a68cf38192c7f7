"""Tests: real PostgreSQL and Redis, files in a temporary folder, cheap password hashes."""

import os
import tempfile

os.environ.setdefault("SECRET_KEY", "only-for-tests")
os.environ.setdefault("GEMEL_VAR_DIR", tempfile.mkdtemp(prefix="gemel-test-"))
os.environ.setdefault("DATABASE_URL", "postgres://postgres@127.0.0.1:5432/gemel")
os.environ.setdefault("REDIS_URL", "redis://127.0.0.1:6379/1")

from webapp.config.settings.base import *  # noqa: F403
from webapp.config.settings.base import DATABASES, STORAGES

if "TEST_DATABASE_NAME" in os.environ:
    DATABASES["default"]["TEST"] = {"NAME": os.environ["TEST_DATABASE_NAME"]}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
ALLOWED_HOSTS = ["*"]
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = True  # a browser gets static files from where they lie
