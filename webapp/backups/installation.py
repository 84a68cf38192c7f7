"""The whole installation into one file, and back: database first, artifact store second, keys.

Artifacts are never changed in place, so a store that is read after the database's snapshot misses nothing that it
names; what was deleted meanwhile is left out.
"""

import os
import zipfile
from pathlib import Path

import msgspec
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.utils import timezone

from webapp.backups.archive import (
    ARTIFACTS,
    CONTENTS,
    KEYS,
    BackupError,
    Contents,
    add_file,
    check,
    new_archive,
    open_archive,
)
from webapp.backups.database import (
    applied_migrations,
    is_empty,
    require_known,
    snapshot,
    tables_replace,
    tables_write,
)
from webapp.common.encryption import encryption_key, encryption_key_replace
from webapp.common.folders import files_below
from webapp.common.signing_key import signing_key, signing_key_replace

_SIGNING, _ENCRYPTION = KEYS + "signing_key", KEYS + "encryption_key"


def backup(path: Path) -> Contents:
    """Raises BackupError. The installation may be at work meanwhile."""
    with new_archive(path) as archive:
        archive.writestr(zipfile.ZipInfo(_SIGNING), signing_key())
        archive.writestr(zipfile.ZipInfo(_ENCRYPTION), encryption_key())
        with snapshot() as cursor:
            migrations, tables = applied_migrations(), tables_write(archive, cursor)
        contents = Contents(timezone.now().isoformat(), migrations, tables, _artifacts_write(archive))
        archive.writestr(CONTENTS, msgspec.json.encode(contents))
    return contents


def restore(path: Path, *, is_replacing: bool) -> Contents:
    """Raises BackupError. Database and keys change last; a restore that was cut off can be repeated."""
    with open_archive(path) as (archive, contents):
        check(archive)
        require_known(contents)
        _require_fitting_keys(archive)
        if not is_replacing and not is_empty():
            raise BackupError(
                "This installation holds data already; nothing was changed. "
                "With --replace everything in its database is replaced by the backup."
            )
        _artifacts_read(archive)
        tables_replace(archive, contents)
        if signing_key() != (key := archive.read(_SIGNING).decode()):
            signing_key_replace(key)
        if encryption_key() != (key := archive.read(_ENCRYPTION).decode()):
            encryption_key_replace(key)
    call_command("migrate", interactive=False, verbosity=0)  # to this version's tables
    return contents


def _artifacts_write(archive: zipfile.ZipFile) -> int:
    count = 0
    for name in files_below(""):
        try:
            with default_storage.open(name) as source:
                add_file(archive, ARTIFACTS + name, source)
        except FileNotFoundError:  # deleted meanwhile: the picture of an event that is no longer kept
            continue
        count += 1
    return count


def _artifacts_read(archive: zipfile.ZipFile) -> None:
    for member in archive.infolist():
        if not member.filename.startswith(ARTIFACTS):
            continue
        name = member.filename.removeprefix(ARTIFACTS)
        if default_storage.exists(name):
            if default_storage.size(name) == member.file_size and name.startswith("blobs/"):
                continue
            default_storage.delete(name)
        with archive.open(member) as content:
            if default_storage.save(name, content) != name:
                raise BackupError(f"The artifact store would not take {name}: something else writes to it.")


def _require_fitting_keys(archive: zipfile.ZipFile) -> None:
    """A key that stands in the environment cannot be replaced from here."""
    for name, member in (("GEMEL_SIGNING_KEY", _SIGNING), ("GEMEL_ENCRYPTION_KEY", _ENCRYPTION)):
        if os.environ.get(name) not in (None, "", archive.read(member).decode()):
            raise BackupError(
                f"{name} is not the one of the installation that was backed up, so its boxes or encrypted addresses "
                f"would be lost; nothing was changed. Set {name} to that one, or unset it, and try again."
            )
