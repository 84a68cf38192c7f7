"""The file of a backup: a zip whose every member has a checksum, with a table of contents that is written last.

    database/<table>     the rows, as PostgreSQL's COPY writes them
    artifacts/<name>     the artifact store
    keys/<name>          the keys that boxes and encrypted columns depend on: the file is as secret as they are
    backup.json          Contents

A zip, because it can be written in one go without knowing sizes, read at any place, and opened with any tool.
"""

import hashlib
import os
import secrets
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from edge_runtime.protocol.errors import GemelError

FORMAT = 1
DATABASE, ARTIFACTS, KEYS, CONTENTS = "database/", "artifacts/", "keys/", "backup.json"
_BLOBS = ARTIFACTS + "blobs/"
_READ_BYTES = 1 << 20


class BackupError(GemelError):
    code = "backup"


class Table(msgspec.Struct, frozen=True):
    columns: tuple[str, ...]
    rows: int


class Contents(msgspec.Struct, frozen=True):
    """`migrations`: (app, name) of every one that was applied; they say what the tables look like."""

    created_at: str
    migrations: tuple[tuple[str, str], ...]
    tables: dict[str, Table]
    artifacts: int
    format: int = FORMAT


@contextmanager
def new_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """To be filled. It is checked, and appears under `path`, only once it is whole. Raises BackupError."""
    if path.exists():
        raise BackupError(f"{path} exists already; it was left as it is. Choose another name.")
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        with open(os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                yield archive
            file.flush()
            os.fsync(file.fileno())
        with open_archive(temporary) as (written, _):
            check(written)
        os.replace(temporary, path)
    except OSError as error:
        raise BackupError(f"The backup could not be written to {path}: {error.strerror or error}.") from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def open_archive(path: Path) -> Iterator[tuple[zipfile.ZipFile, Contents]]:
    """Raises BackupError for what is no whole backup, or one of a format that this version does not know."""
    try:
        with zipfile.ZipFile(path) as archive:
            contents = msgspec.json.decode(archive.read(CONTENTS), type=Contents)
            if contents.format > FORMAT:
                raise BackupError(f"{path} was made by a newer version: restore it with that version or a newer one.")
            yield archive, contents
    except (zipfile.BadZipFile, KeyError, EOFError, msgspec.DecodeError) as error:
        raise BackupError(f"{path} is no whole backup ({error}); nothing was changed.") from error
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror or error}.") from error


def check(archive: zipfile.ZipFile) -> None:
    """Reads every member. Raises BackupError where its checksum, or a blob's own digest, is another."""
    for member in archive.infolist():
        digest = hashlib.sha256()
        try:
            with archive.open(member) as file:
                while part := file.read(_READ_BYTES):
                    digest.update(part)
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise BackupError(f"The backup is damaged at {member.filename}; nothing was changed.") from error
        if member.filename.startswith(_BLOBS) and digest.hexdigest() != Path(member.filename).name:
            raise BackupError(
                f"{member.filename} is not what its name says: that file is damaged in the artifact store. "
                "Register its model again or put the file back from an older backup, then try again."
            )


def add_file(archive: zipfile.ZipFile, name: str, source: IO[bytes]) -> None:
    """Blobs and pictures are nothing to compress."""
    member = zipfile.ZipInfo(name)
    member.external_attr = 0o600 << 16
    with archive.open(member, "w", force_zip64=True) as file:
        shutil.copyfileobj(source, file, _READ_BYTES)
