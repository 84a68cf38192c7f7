"""One sentence for a person about why a camera gives no picture; never with the camera's password."""

import errno

import av

from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.sources import SourceKind, redact_source, source_kind


class CaptureError(GemelError):
    """A source that cannot be opened or read. Always worth another try: cameras come back and files are replaced."""

    code = "capture"
    is_retryable = True


def capture_problem(error: BaseException, source: str) -> str:
    """What to tell about `error`. Its own text is not used: PyAV puts the address, password included, into it."""
    where = redact_source(source)
    if isinstance(error, av.HTTPUnauthorizedError | av.HTTPForbiddenError):
        return f"The camera at {where} refuses the user name or password. Correct them in its address."
    if isinstance(error, av.HTTPNotFoundError):
        return f"The camera answers but knows no stream at {where}. Check the path in its address."
    if isinstance(error, av.InvalidDataError) and source_kind(source) is SourceKind.RTSP:
        # FFmpeg says so of a camera that is silent, too.
        return (
            f"The camera at {where} gives no video that can be read: it does not answer, or not as an RTSP camera "
            "does. Check that it is on and that its address is right."
        )
    if isinstance(error, av.InvalidDataError | av.EOFError):
        return f"{where} holds no video that can be read; it may be damaged or not a video."
    number = getattr(error, "errno", None)
    if isinstance(error, PermissionError) or number in (errno.EACCES, errno.EPERM):
        return f"The box may not read {where}. Check its permissions."
    if number == errno.EBUSY:
        return f"Another program uses {where}. Close it; the box tries again."
    if isinstance(error, FileNotFoundError) or number in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return f"There is no {where} on the box. Check the path."
    if source_kind(source) in (SourceKind.RTSP, SourceKind.HTTP):
        return _network_problem(error, where)
    return f"{where} cannot be read ({_reason(error)}). The box tries again."


def broken_off(source: str) -> str:
    """A source that gave pictures and then data that is no video."""
    where = redact_source(source)
    if source_kind(source) is SourceKind.FILE:
        return f"{where} breaks off: the rest of it is cut or damaged. Replace it; the box plays what there is again."
    return f"{where} sends data that cannot be decoded any more. The box connects again."


def _network_problem(error: BaseException, where: str) -> str:
    if isinstance(error, ConnectionRefusedError):
        return f"The camera at {where} refuses connections. Check that it is on and that the port is right."
    if isinstance(error, TimeoutError | av.ExitError):
        return f"The camera at {where} does not answer. Check that it is on and that the box reaches it."
    return f"The camera at {where} cannot be reached ({_reason(error)}). The box tries again."


def _reason(error: BaseException) -> str:
    return getattr(error, "strerror", None) or type(error).__name__
