"""Addresses of cameras: which kinds there are, what is valid, and how one is shown without its password."""

import enum
from urllib.parse import urlsplit, urlunsplit

from edge_runtime.protocol.errors import GemelError


class SourceKind(enum.StrEnum):
    RTSP = "rtsp"
    HTTP = "http"
    FILE = "file"
    V4L2 = "v4l2"
    SCENE = "scene"


class SourceError(GemelError):
    code = "camera_source"


_KIND_BY_SCHEME = {
    "rtsp": SourceKind.RTSP,
    "rtsps": SourceKind.RTSP,
    "http": SourceKind.HTTP,
    "https": SourceKind.HTTP,
    "file": SourceKind.FILE,
    "v4l2": SourceKind.V4L2,
    "scene": SourceKind.SCENE,
}


def source_kind(address: str) -> SourceKind:
    """The kind of a camera address. Raises SourceError with a sentence for a person.

    Forms: rtsp://user:password@host/path, http(s)://..., file:///path/on/the/box.mp4 or /path/on/the/box.mp4,
    file:///path/on/the/box.mp4?pace=fast, v4l2:///dev/video0 or /dev/video0, scene://crossing?seed=1
    """
    address = address.strip()
    if address.startswith("/dev/video"):
        return SourceKind.V4L2
    if address.startswith("/"):
        return SourceKind.FILE
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018  (raises on a port that is no number)
    except ValueError as error:
        raise SourceError(f"This camera address cannot be read: {error}.") from error
    kind = _KIND_BY_SCHEME.get(parts.scheme.lower())
    if kind is None:
        raise SourceError(
            "A camera address starts with rtsp://, http://, https://, file://, v4l2:// or scene://, "
            "or is the path of a file on the box."
        )
    if kind in (SourceKind.RTSP, SourceKind.HTTP, SourceKind.SCENE) and not parts.hostname:
        raise SourceError(f"This address has no host after {parts.scheme}://.")
    if kind is SourceKind.FILE:
        _check_pace(parts.query)
    return kind


def is_paced(address: str) -> bool:
    """Whether a file is played to its time stamps; with file://...?pace=fast it is read as fast as it can be."""
    address = address.strip()
    return not (address.startswith("file:") and urlsplit(address).query == "pace=fast")


def _check_pace(query: str) -> None:
    if query not in ("", "pace=fast", "pace=timestamps"):
        raise SourceError(
            'The only option of a file:// address is "?pace=fast" (as fast as the box can) or "?pace=timestamps"; '
            "write a question mark in the file's name as %3F."
        )


def redact_source(address: str) -> str:
    """`address` with user name and password, if any, replaced by ***. Safe to show and to log."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "***"
    if "@" not in parts.netloc:
        return address
    return urlunsplit(parts._replace(netloc="***@" + parts.netloc.rpartition("@")[2]))
