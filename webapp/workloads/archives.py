"""Uploaded zips of labelled pictures: checked against bombs and path traversal, unpacked in one known layout.

Pure files in, files out. COCO: `images/` and `annotations.json`. Image folders: one folder per class. Either may be
split into train/, validation/ and test/. A single top folder around everything is taken off.
"""

import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.sizes import format_size

FILES_MAX = 50_000
TOTAL_MAX_BYTES = 8 * 2**30
FILE_MAX_BYTES = 200 * 2**20
RATIO_MAX = 200
RATIO_FREE_BYTES = 10 * 2**20  # a small file may shrink as much as it likes
PICTURE_STARTS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
_CHUNK = 2**20
_IGNORED = ("__MACOSX", ".DS_Store", "Thumbs.db")


class ArchiveError(GemelError):
    """The archive cannot be used; nothing of it was kept."""

    code = "archive"


@dataclass(frozen=True)
class Member:
    """One file of the archive: `path` is its checked place, without a top folder around everything."""

    path: PurePosixPath
    entry: zipfile.ZipInfo

    @property
    def is_picture(self) -> bool:
        return self.path.suffix.lower() in PICTURE_SUFFIXES


@dataclass(frozen=True)
class Archive:
    """An opened archive whose list of files was found harmless. `keep_going` is called often and may raise."""

    zip: zipfile.ZipFile
    members: tuple[Member, ...]
    keep_going: Callable[[], None]

    def read(self, member: Member) -> bytes:
        return b"".join(self._chunks(member))

    def extract_picture(self, member: Member, target: Path) -> None:
        """Raises ArchiveError when the content is no JPEG or PNG."""
        self.keep_going()
        target.parent.mkdir(parents=True, exist_ok=True)
        chunks = self._chunks(member)
        first = next(chunks, b"")
        if not first.startswith(PICTURE_STARTS):
            raise ArchiveError(f"{member.path} is no JPEG or PNG picture, whatever its name says.")
        with target.open("wb") as file:
            file.write(first)
            file.writelines(chunks)

    def _chunks(self, member: Member) -> Iterator[bytes]:
        """Counts what really comes out: the sizes that an archive claims are part of the attack."""
        size = 0
        try:
            with self.zip.open(member.entry) as file:
                while chunk := file.read(_CHUNK):
                    size += len(chunk)
                    if size > member.entry.file_size:
                        raise ArchiveError(f"{member.path} unpacks to more than the archive says.")
                    yield chunk
        except (zipfile.BadZipFile, zlib.error, RuntimeError, OSError, EOFError, ValueError) as error:
            raise ArchiveError(f"{member.path} cannot be unpacked: the archive is broken or encrypted.") from error


@contextmanager
def opened_archive(file: IO[bytes] | Path, keep_going: Callable[[], None] = lambda: None) -> Iterator[Archive]:
    """Raises ArchiveError for anything but a zip with harmless names and sizes."""
    try:
        opened = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise ArchiveError("The file is no zip archive, or it is broken.") from error
    with opened:
        entries = [entry for entry in opened.infolist() if not entry.is_dir()]
        _check_sizes(entries)
        members = tuple(Member(_checked_path(entry), entry) for entry in entries)
        wanted = tuple(member for member in members if not set(_IGNORED) & set(member.path.parts))
        yield Archive(opened, _without_top(wanted), keep_going)


def _check_sizes(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > FILES_MAX:
        raise ArchiveError(f"The archive holds {len(entries)} files; at most {FILES_MAX} are taken.")
    total = sum(entry.file_size for entry in entries)
    if total > TOTAL_MAX_BYTES:
        limit = format_size(TOTAL_MAX_BYTES)
        raise ArchiveError(f"The archive unpacks to {format_size(total)}; at most {limit} are taken.")
    for entry in entries:
        if entry.file_size > FILE_MAX_BYTES:
            raise ArchiveError(f"{entry.filename} unpacks to {format_size(entry.file_size)}, which is too large.")
        if entry.file_size > max(RATIO_FREE_BYTES, RATIO_MAX * entry.compress_size):
            raise ArchiveError(f"{entry.filename} is compressed so much that it looks like an attack.")


def _checked_path(entry: zipfile.ZipInfo) -> PurePosixPath:
    """The file's place inside the archive. Raises ArchiveError when unpacking it would write anywhere else."""
    name = entry.filename
    path = PurePosixPath(name)
    leads_out = path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or "\0" in name
    if leads_out or not path.parts or len(name) > 500:
        raise ArchiveError(f'The archive holds a file named "{name[:100]}", which leads out of its folder.')
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise ArchiveError(f'"{name[:100]}" is a link; archives may hold only files.')
    return path


def _without_top(members: tuple[Member, ...]) -> tuple[Member, ...]:
    """Most people zip a folder, not its content. A class or a split is no such folder: pictures lie right in it."""
    tops = {member.path.parts[0] for member in members}
    is_wrapped = len(tops) == 1 and all(len(member.path.parts) > 2 for member in members if member.is_picture)
    has_loose = any(len(member.path.parts) == 1 for member in members)
    if not is_wrapped or has_loose or tops <= {"train", "validation", "val", "test"}:
        return members
    return tuple(Member(PurePosixPath(*member.path.parts[1:]), member.entry) for member in members)
