"""The server's Ed25519 key, which signs every manifest. From GEMEL_SIGNING_KEY, else made once under VAR_DIR."""

import os
from pathlib import Path

from django.conf import settings

from edge_runtime.protocol.signing import private_key_new
from webapp.common.keys import key_from_file, key_replace


def signing_key() -> str:
    """The private key, 64 hex digits. Read anew each time: another process may have replaced it."""
    return os.environ.get("GEMEL_SIGNING_KEY") or key_from_file(str(_path()), private_key_new)


def signing_key_replace(key: str) -> None:
    """Only where the key is a file."""
    key_replace(str(_path()), key)


def _path() -> Path:
    return settings.VAR_DIR / "keys" / "signing_key"
