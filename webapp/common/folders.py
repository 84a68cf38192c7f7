"""Whole folders of the artifact store."""

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


def local_path(name: str) -> Path:
    """Where a file or folder of the store lies on this machine, for work in a child process that reads paths."""
    return Path(default_storage.path(name))
