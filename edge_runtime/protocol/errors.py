"""The root of all errors that this project raises on purpose."""

import msgspec

# What msgspec raises for JSON from elsewhere: also for values within values within values, a thousand deep.
UNREADABLE = (msgspec.DecodeError, RecursionError)


class GemelError(Exception):
    """An expected failure with a stable code and a sentence for a person.

    `code` never changes once released. `is_retryable` tells a loop whether trying again can help.
    """

    code = "error"
    is_retryable = False


class ProtocolError(GemelError):
    """The other side sent something that does not fit the protocol."""

    code = "protocol"
