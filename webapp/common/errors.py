"""Errors that a person caused or can mend. Views turn them into one sentence and a status."""

import errno

from django.utils.translation import gettext

from edge_runtime.protocol.errors import GemelError


class InvalidInput(GemelError):
    """What a person entered cannot be used. `field` names the form field, "" for the whole."""

    code = "invalid_input"
    status = 400

    def __init__(self, message: str, *, field: str = ""):
        super().__init__(message)
        self.field = field


class NotAllowed(GemelError):
    code = "not_allowed"
    status = 403


class NotFound(GemelError):
    code = "not_found"
    status = 404


class Conflict(GemelError):
    """The thing has changed since it was looked at, so the action no longer applies."""

    code = "conflict"
    status = 409


class StoreFull(GemelError):
    """Nothing of what was sent is kept."""

    code = "store_full"
    status = 507  # Insufficient Storage


def as_expected(error: BaseException) -> GemelError | None:
    """What can be told of `error`: a GemelError as it is, a full disk and text that PostgreSQL cannot hold in a
    sentence; None for all else."""
    if isinstance(error, ValueError) and "NUL (0x00)" in str(error):  # as psycopg2 has it, before the database is asked
        return InvalidInput(gettext("Text cannot hold the character NUL; nothing was changed."))
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StoreFull(
            gettext("The server's disk is full, so nothing was stored or changed. Make room there and try again.")
        )
    return error if isinstance(error, GemelError) else None
