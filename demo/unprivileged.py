"""Running one program as `nobody` when we are root, because PostgreSQL refuses to run as root.

`nobody` may be unable to enter the folder of this clone (such as one below /root): then program and data live in a
folder of our own under /var/tmp.
"""

import functools
import hashlib
import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_runtime.protocol.errors import GemelError

ROOM = Path("/var/tmp")


class UnprivilegedError(GemelError):
    code = "unprivileged_user"


@dataclass(frozen=True)
class UnprivilegedUser:
    uid: int
    gid: int

    def run_as(self) -> dict[str, Any]:
        """Arguments for subprocess."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def unprivileged_user() -> UnprivilegedUser | None:
    """`nobody` when we are root, else None: we are unprivileged ourselves."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return UnprivilegedUser(entry.pw_uid, entry.pw_gid)


def reachable_copy(root: Path, parts: Sequence[Path], user: UnprivilegedUser) -> Path:
    """`root` itself where `user` can read it, else a folder with copies of these parts of it, at their places."""
    if can_enter(root, user):
        return root
    copy = private_room(root, user) / root.name
    if not copy.exists():
        building = copy.with_suffix(".new")
        shutil.rmtree(building, ignore_errors=True)
        for part in parts:
            shutil.copytree(root / part, building / part, symlinks=True)
        building.rename(copy)
    return copy


def reachable_folder(folder: Path, user: UnprivilegedUser | None) -> Path:
    """`folder`, or its stand-in that `user` can reach; made if missing, and owned by `user`."""
    if user is None:
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    chosen = folder if can_enter(folder.parent, user) else private_room(folder, user) / folder.name
    if not chosen.exists():
        chosen.mkdir(mode=0o700)
        os.chown(chosen, user.uid, user.gid)
    return chosen


def private_room(folder: Path, user: UnprivilegedUser) -> Path:
    """A folder under /var/tmp for what belongs to `folder`; the same at every start."""
    room = room_of(folder)
    room.mkdir(mode=0o711, exist_ok=True)
    if room.is_symlink() or room.stat().st_uid != 0:
        raise UnprivilegedError(f"{room} belongs to somebody else. Remove it, or run this as an ordinary user.")
    return room


def remove_room(folder: Path) -> None:
    """Removes what lies under /var/tmp for `folder`, if anything does."""
    shutil.rmtree(room_of(folder), ignore_errors=True)


def room_of(folder: Path) -> Path:
    return ROOM / f"gemel-{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}"


@functools.cache
def can_enter(folder: Path, user: UnprivilegedUser) -> bool:
    """Whether `user` may pass through `folder`. Asked of the system itself: only that knows all its rules."""
    command = ["/bin/sh", "-c", 'cd "$0"', str(folder)]
    ended = subprocess.run(command, check=False, cwd="/", stderr=subprocess.DEVNULL, **user.run_as())
    return ended.returncode == 0
