"""Writing a file so that a power cut leaves the old content or the new one, never a part."""

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


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
