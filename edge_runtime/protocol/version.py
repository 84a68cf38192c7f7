"""Which versions of the protocol a side speaks, and which one two sides speak together.

Each side says its range in the header Gemel-Protocol ("1-2"), the box with every request and connection, the server
with every answer. Within a version messages may gain fields and kinds, for both sides ignore what they do not know; a
new version is for what the other side must understand. A side speaks its newest version and the one before, so a box
may be one version behind its server or ahead of it.

    1   everything before versions were said: no header
    2   the first that says it
"""

from typing import NamedTuple

from edge_runtime.protocol.errors import GemelError, ProtocolError

HEADER = "Gemel-Protocol"


class Versions(NamedTuple):
    oldest: int
    newest: int

    def __str__(self) -> str:
        return f"{self.oldest}-{self.newest}"


SPOKEN = Versions(1, 2)
_UNSAID = Versions(1, 1)


class VersionsApart(GemelError):
    """Box and server have no version in common."""

    code = "protocol_version"
    status = 426  # Upgrade Required


def versions_from(header: str) -> Versions:
    """What a side said, "" where it said nothing. Raises ProtocolError."""
    if not header:
        return _UNSAID
    oldest, separator, newest = header.partition("-")
    if not separator or not all(part.isascii() and part.isdigit() and len(part) < 6 for part in (oldest, newest)):
        raise ProtocolError(f"{header[:40]!r} is no range of protocol versions.")
    found = Versions(int(oldest), int(newest))
    if not 1 <= found.oldest <= found.newest:
        raise ProtocolError(f"{header[:40]!r} is no range of protocol versions.")
    return found


def agreed(*, box: Versions, server: Versions) -> int:
    """The newest version that both speak. Raises VersionsApart with who has to be updated."""
    if box.newest < server.oldest or server.newest < box.oldest:
        behind = "box" if box.newest < server.oldest else "server"
        raise VersionsApart(f"The box speaks protocol {box}, the server {server}: update the {behind}. It runs on.")
    return min(box.newest, server.newest)
