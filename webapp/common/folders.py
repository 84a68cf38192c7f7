"""Whole folders of the artifact store."""

from collections.abc import Iterator
from pathlib import Path

from django.core.files.storage import default_storage


def folder_delete(folder: str) -> None:
    """Removes `folder` and everything in it. One that is not there is fine."""
    if not folder or not default_storage.exists(folder):
        return
    folders, files = default_storage.listdir(folder)
    for name in files:
        default_storage.delete(f"{folder}/{name}")
    for name in folders:
        folder_delete(f"{folder}/{name}")
    default_storage.delete(folder)


def files_below(folder: str) -> Iterator[str]:
    """Names of all files in `folder` and in what it holds; "" for the whole store."""
    try:
        folders, files = default_storage.listdir(folder)
    except FileNotFoundError:
        return
    inside = f"{folder}/" if folder else ""
    yield from (inside + name for name in sorted(files))
    for name in sorted(folders):
        yield from files_below(inside + name)


def local_path(name: str) -> Path:
    """Where a file or folder of the store lies on this machine, for work in a child process that reads paths."""
    return Path(default_storage.path(name))
