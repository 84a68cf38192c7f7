"""Writing a file so that a power cut leaves the old content or the new one, never a part."""

import errno
import os
import tempfile
from pathlib import Path

TEMPORARY = ".part"


def write_atomically(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Temporary file beside `path`, flushed to disk, renamed over it; then the folder's entry is flushed too."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=TEMPORARY)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, mode)
        os.replace(name, path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def settle(temporary: Path, path: Path) -> None:
    """Moves a file that was written piece by piece to `path`, as `write_atomically` would have written it."""
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(temporary, path)
    sync_folder(path.parent)


def disk_problem(folder: Path, error: OSError) -> str:
    """One sentence for a person on why nothing could be written below `folder`."""
    reason = "its disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) else error.strerror
    return (
        f"The box cannot write to {folder} ({reason}). It keeps running what it has and tries again; make room there, "
        "or check the disk."
    )


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
