"""Secret keys that are made once and kept in a file only their owner can read. No Django here: settings use it."""

import os
import secrets
from collections.abc import Callable


def key_replace(path: str, key: str) -> None:
    """Atomic: a reader gets the old key, if there was one, or the new one."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    temporary = f"{path}.{secrets.token_hex(8)}"
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def key_from_file(path: str, make: Callable[[], str] = lambda: secrets.token_hex(32)) -> str:
    """The key in the file at `path`, which is made with mode 0600 at first use. Safe when several processes start."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    if not os.path.exists(path):
        temporary = f"{path}.{secrets.token_hex(8)}"  # threads of one process start together too
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(make())
        try:
            os.link(temporary, path)  # fails when another process was first: then its key counts
        except FileExistsError:
            pass
        finally:
            os.unlink(temporary)
    with open(path) as file:
        return file.read().strip()
