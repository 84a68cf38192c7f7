"""Backup, the loss of everything, and restore: the box goes on with the credential and key it has."""

import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import IntegrityError
from django.test import Client

from edge_runtime.protocol.manifest import SignedManifest
from edge_runtime.protocol.signing import public_key_of, verify
from webapp.audit.models import AuditEvent
from webapp.backups.archive import KEYS
from webapp.backups.database import applied_migrations, is_empty
from webapp.common.folders import files_below, folder_delete
from webapp.common.signing_key import signing_key
from webapp.fleets.models import Box, Camera
from webapp.jobs.models import Job
from webapp.rollouts.selectors import current_bundle, signed_manifest
from webapp.rollouts.services import bundle_publish

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def fleet(transactional_db: None, make_fleet: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """With its keys in files, as `make demo` has them."""
    monkeypatch.delenv("GEMEL_SIGNING_KEY")
    made = make_fleet("harbour")
    made.query()
    bundle_publish(box=made.box, now=NOW)
    default_storage.save("pictures/gate.jpg", ContentFile(b"\xff\xd8picture"))
    return made


@pytest.fixture
def lose_everything(settings: Any, tmp_path: Path) -> Any:
    """Another machine: an empty database, an empty store, keys of its own."""

    def lose() -> None:
        call_command("flush", interactive=False, verbosity=0)
        folder_delete("blobs")
        folder_delete("pictures")
        settings.VAR_DIR = tmp_path / "another"
        settings.SECRET_KEY = "that of the new machine"

    return lose


def target_of(credential: str) -> Any:
    return Client().get("/api/box/target", headers={"Authorization": f"Bearer {credential}"})


def test_a_box_goes_on_after_everything_was_lost_and_restored(fleet: Any, lose_everything: Any, tmp_path: Path) -> None:
    before, files, key = target_of(fleet.credential), list(files_below("")), signing_key()
    path = str(tmp_path / "fleet.backup")
    call_command("backup", path, verbosity=0)
    with pytest.raises(CommandError, match="holds data already"):
        call_command("restore", path, verbosity=0)
    lose_everything()
    assert is_empty()
    assert target_of(fleet.credential).status_code == 401

    call_command("restore", path, verbosity=0)
    assert target_of(fleet.credential).content == before.content
    assert (list(files_below("")), signing_key()) == (files, key)
    box = Box.objects.get()
    bundle = current_bundle(box)
    assert bundle is not None
    signed: SignedManifest = signed_manifest(box, bundle.manifest_digest)
    verify(signed.manifest.encode(), signed.signature, public_key_of(key))
    assert Camera.objects.get().source == "rtsp://user:secret@cam/1"  # encrypted with the old machine's key
    with pytest.raises(IntegrityError, match="append-only"):
        AuditEvent.objects.update(action="never happened")
    assert Job.objects.exists()
    assert fleet.query("one more").pk  # rows are numbered on: auditing it takes the next number


def test_a_backup_is_for_its_owner_alone_and_replaces_no_file(fleet: Any, tmp_path: Path) -> None:
    path = tmp_path / "fleet.backup"
    call_command("backup", str(path), verbosity=0)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(CommandError, match="exists already"):
        call_command("backup", str(path), verbosity=0)
    assert [file.name for file in tmp_path.glob("fleet*")] == ["fleet.backup"]


def test_a_blob_that_is_damaged_in_the_store_is_named_and_no_backup_is_left(fleet: Any, tmp_path: Path) -> None:
    (blob,) = files_below("blobs")
    Path(default_storage.path(blob)).write_bytes(b"something else")
    with pytest.raises(CommandError, match=f"{blob} is not what its name says"):
        call_command("backup", str(tmp_path / "fleet.backup"), verbosity=0)
    assert not list(tmp_path.glob("fleet*"))


@pytest.mark.parametrize("damage", ["cut", "changed", "nothing"])
def test_a_damaged_file_changes_nothing(fleet: Any, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "fleet.backup"
    call_command("backup", str(path), verbosity=0)
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("database/fleets_camera").header_offset
    content[start + 80] ^= 0xFF
    path.write_bytes({"cut": content[: len(content) // 2], "changed": content, "nothing": b""}[damage])
    Camera.objects.update(name="newer")
    with pytest.raises(CommandError, match="nothing was changed"):
        call_command("restore", str(path), replace=True, verbosity=0)
    assert Camera.objects.get().name == "newer"


def test_a_backup_of_a_newer_version_is_refused(fleet: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = (*applied_migrations(), ("fleets", "9999_from_the_future"))
    monkeypatch.setattr("webapp.backups.installation.applied_migrations", lambda: newer)
    call_command("backup", str(tmp_path / "fleet.backup"), verbosity=0)
    with pytest.raises(CommandError, match="newer version"):
        call_command("restore", str(tmp_path / "fleet.backup"), replace=True, verbosity=0)


def test_a_key_in_the_environment_has_to_be_that_of_the_backup(
    fleet: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call_command("backup", str(tmp_path / "fleet.backup"), verbosity=0)
    with zipfile.ZipFile(tmp_path / "fleet.backup") as archive:
        assert archive.read(KEYS + "signing_key").decode() == signing_key()
    monkeypatch.setenv("GEMEL_SIGNING_KEY", "0" * 64)
    with pytest.raises(CommandError, match="Set GEMEL_SIGNING_KEY to that one"):
        call_command("restore", str(tmp_path / "fleet.backup"), replace=True, verbosity=0)
