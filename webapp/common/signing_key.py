"""The server's Ed25519 key, which signs every manifest. From GEMEL_SIGNING_KEY, else made once under VAR_DIR."""

import functools
import os

from django.conf import settings

from edge_runtime.protocol.signing import private_key_new
from webapp.common.keys import key_from_file


def signing_key() -> str:
    """The private key, 64 hex digits."""
    return os.environ.get("GEMEL_SIGNING_KEY") or _stored(str(settings.VAR_DIR / "keys" / "signing_key"))


@functools.cache
def _stored(path: str) -> str:
    return key_from_file(path, private_key_new)
