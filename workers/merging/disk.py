"""Room on the disk, looked at before training is spent on what could not be kept."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.sizes import format_size


class Usage(Protocol):
    @property
    def free(self) -> int: ...


DiskUsage = Callable[[Path], Usage]
disk_usage: DiskUsage = shutil.disk_usage


class DiskFull(GemelError):
    code = "disk_full"


def bundle_not_written(folder: Path, error: OSError) -> DiskFull:
    return DiskFull(
        f"The accepted models could not be written to {folder}: {error.strerror or error}. What was accepted before is "
        "kept there: free some space and start again with --resume."
    )


def require_space(folder: Path, wanted_bytes: int, what: str, usage: DiskUsage) -> None:
    """`what` the space is for, in words. Raises DiskFull."""
    free = usage(folder).free
    if free < wanted_bytes:
        raise DiskFull(
            f"{folder} has {format_size(free)} free, and {format_size(wanted_bytes)} may be needed there for {what}. "
            "Nothing was trained yet: free some space or choose another folder."
        )
