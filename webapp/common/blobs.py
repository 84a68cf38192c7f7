"""Content-addressed files in the artifact store: a blob's name is the SHA-256 of its bytes."""

import re
from collections.abc import Iterable

from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.utils.translation import gettext

from edge_runtime.protocol.manifest import sha256_hex
from webapp.common.errors import NotFound

_DIGEST = re.compile(r"[0-9a-f]{64}")


def blob_path(digest: str) -> str:
    """Where a blob lies in the store. Raises NotFound for anything that is no digest, so no path can be smuggled in."""
    if not _DIGEST.fullmatch(digest):
        raise NotFound(gettext("There is no such file."))
    return f"blobs/{digest[:2]}/{digest}"


def blob_put(content: bytes) -> str:
    """Stores `content` unless it is there already; returns its digest."""
    digest = sha256_hex(content)
    path = blob_path(digest)
    if not default_storage.exists(path):
        default_storage.save(path, ContentFile(content))
    return digest


def blob_open(digest: str) -> File:
    path = blob_path(digest)
    if not default_storage.exists(path):
        raise NotFound(gettext("The artifact store has no file %(digest)s.") % {"digest": digest[:12]})
    return default_storage.open(path)


def blobs_missing(digests: Iterable[str]) -> set[str]:
    return {digest for digest in set(digests) if not default_storage.exists(blob_path(digest))}
