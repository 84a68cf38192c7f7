"""Secrets that must be readable again (camera addresses with passwords): encrypted in the database."""

import base64
import hashlib
import os

from cryptography.fernet import Fernet
from django.conf import settings
from django.db import models


def _fernet() -> Fernet:
    secret = os.environ.get("GEMEL_ENCRYPTION_KEY") or settings.SECRET_KEY
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
