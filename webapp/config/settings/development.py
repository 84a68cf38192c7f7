"""One machine: `make demo` and working on the code. Keys are made at first start and kept under VAR_DIR."""

import os

from webapp.common.keys import key_from_file

_VAR_DIR = os.environ.setdefault("GEMEL_VAR_DIR", os.path.join(os.path.dirname(__file__), "../../../var"))
os.environ.setdefault("SECRET_KEY", key_from_file(os.path.join(_VAR_DIR, "keys", "secret_key")))
os.environ.setdefault("DATABASE_URL", "postgres://postgres@127.0.0.1:5432/gemel")
os.environ.setdefault("REDIS_URL", "redis://127.0.0.1:6379/0")

from webapp.config.settings.base import *  # noqa: E402, F403

ALLOWED_HOSTS = ["*"]
