"""Secrets that must be readable again (camera addresses with passwords): encrypted in the database."""

import base64
import hashlib
import os
from functools import lru_cache
from pathlib import Path

from cryptography.fernet import Fernet
from django.conf import settings
from django.db import models

from webapp.common.keys import key_replace


def encryption_key() -> str:
    """From GEMEL_ENCRYPTION_KEY, else the one that came with a restored backup, else SECRET_KEY."""
    path = _path()
    restored = path.read_text() if path.exists() else ""
    return os.environ.get("GEMEL_ENCRYPTION_KEY") or restored or settings.SECRET_KEY


def encryption_key_replace(key: str) -> None:
    """Only where the key is not in the environment."""
    key_replace(str(_path()), key)


def _path() -> Path:
    return settings.VAR_DIR / "keys" / "encryption_key"


def _fernet() -> Fernet:
    return _fernet_of(encryption_key())


@lru_cache(maxsize=2)
def _fernet_of(secret: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"gemel field encryption" + secret.encode()).digest()))


def encrypted(text: str) -> str:
    """A Fernet token."""
    return _fernet().encrypt(text.encode()).decode()


def decrypted(token: str) -> str:
    return _fernet().decrypt(token.encode()).decode()


class EncryptedTextField(models.TextField):
    """Text that is stored as a Fernet token. It cannot be searched."""

    def get_prep_value(self, value: str | None) -> str | None:
        return None if value is None else encrypted(str(value))

    def from_db_value(self, value: str | None, expression: object, connection: object) -> str | None:
        return None if value is None else decrypted(value)
