"""Secrets that only their hash is kept of: join codes, credentials, invitations, API tokens."""

import hashlib
import secrets


def secret_new() -> str:
    """256 random bits, fit for an address or a header."""
    return secrets.token_urlsafe(32)


def secret_hash(secret: str) -> str:
    """How secrets are stored. They are long and random, so one plain hash is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()
