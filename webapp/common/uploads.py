"""Files that people upload, kept in the artifact store until a worker has checked them."""

import uuid

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils.translation import gettext

from edge_runtime.protocol.sizes import format_size
from webapp.common.errors import InvalidInput

UPLOAD_MAX_BYTES = 2 * 2**30


def upload_store(file: File, *, field: str) -> str:
    """Path of the stored copy. Raises InvalidInput when the file is empty or larger than UPLOAD_MAX_BYTES."""
    if not file.size:
        raise InvalidInput(gettext("The uploaded file is empty."), field=field)
    if file.size > UPLOAD_MAX_BYTES:
        limit = format_size(UPLOAD_MAX_BYTES)
        raise InvalidInput(
            gettext("The file has %(size)s; at most %(limit)s can be uploaded.")
            % {"size": format_size(file.size), "limit": limit},
            field=field,
        )
    return str(default_storage.save(f"uploads/{uuid.uuid4()}", file))


def upload_discard(path: str) -> None:
    """Removes a stored upload when the transaction commits. An empty path is none."""
    if path:
        transaction.on_commit(lambda: default_storage.delete(path))
