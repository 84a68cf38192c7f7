"""Whole folders of the artifact store, and files of it for work that needs paths on this machine.

The store may be a folder or a bucket (S3). A bucket has no folders and no paths: what needs them gets a copy.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from django.core.files.base import File
from django.core.files.storage import default_storage


def folder_list(folder: str) -> tuple[list[str], list[str]]:
    """Names of the folders and of the files in `folder`, none where it is not there."""
    try:
        folders, files = default_storage.listdir(folder)
    except FileNotFoundError:
        return [], []
    return sorted(folders), sorted(files)


def folder_delete(folder: str) -> None:
    """Removes `folder` and everything in it. One that is not there is fine."""
    if not folder:
        return
    folders, files = folder_list(folder)
    for name in files:
        default_storage.delete(f"{folder}/{name}")
    for name in folders:
        folder_delete(f"{folder}/{name}")
    default_storage.delete(folder)


def files_below(folder: str) -> Iterator[str]:
    """Names of all files in `folder` and in what it holds; "" for the whole store."""
    folders, files = folder_list(folder)
    inside = f"{folder}/" if folder else ""
    yield from (inside + name for name in files)
    for name in folders:
        yield from files_below(inside + name)


@contextmanager
def local_file(name: str) -> Iterator[Path]:
    """A file of the store as a path on this machine, for as long as it is needed."""
    if (path := _path(name)) is not None:
        yield path
        return
    with TemporaryDirectory(prefix="gemel-") as folder:
        copy = Path(folder) / Path(name).name
        _download(name, copy)
        yield copy


def local_folder(name: str, copy: Path) -> Path:
    """A folder of the store on this machine: itself where the store is one, else `copy`, which is filled with it."""
    if (path := _path(name)) is not None:
        return path
    for file in files_below(name):
        target = copy / file.removeprefix(f"{name}/")
        target.parent.mkdir(parents=True, exist_ok=True)
        _download(file, target)
    return copy


@contextmanager
def new_folder(name: str, attempt: int) -> Iterator[Path]:
    """An empty folder to fill; at the end it takes the place of `name` in the store. Nothing half is left behind."""
    path = _path(name)
    with TemporaryDirectory(prefix="gemel-") as elsewhere:
        staging = Path(elsewhere) / "new" if path is None else path.with_name(f"{path.name}.{attempt}")
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(parents=True)
        try:
            yield staging
            if path is not None:
                shutil.rmtree(path, ignore_errors=True)
                staging.rename(path)
            else:
                _upload(staging, name)
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def _path(name: str) -> Path | None:
    try:
        return Path(default_storage.path(name))
    except NotImplementedError:
        return None


def _download(name: str, target: Path) -> None:
    with default_storage.open(name) as source, target.open("wb") as file:
        shutil.copyfileobj(source, file, 1 << 20)


def _upload(folder: Path, name: str) -> None:
    """A row names the folder only afterwards, so an upload that was cut off is seen by nobody, and made anew."""
    folder_delete(name)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            default_storage.save(f"{name}/{path.relative_to(folder).as_posix()}", File(file))
