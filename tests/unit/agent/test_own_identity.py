"""A box's identity changes on disk first."""

from pathlib import Path

import pytest

from edge_runtime.agent import own_identity
from edge_runtime.agent.identity import Identity, load_identity, save_identity
from edge_runtime.agent.own_identity import OwnIdentity

IDENTITY = Identity("http://server", "box", "Depot", "old", "key")


def test_changes_are_on_disk_and_do_not_undo_each_other(tmp_path: Path) -> None:
    own = OwnIdentity(tmp_path, IDENTITY)
    own.change(credential="new")
    own.change(server_public_key="new key")

    assert (load_identity(tmp_path).credential, load_identity(tmp_path).server_public_key) == ("new", "new key")
    assert own.current == load_identity(tmp_path)


def test_what_could_not_be_written_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_identity(tmp_path, IDENTITY)
    own = OwnIdentity(tmp_path, IDENTITY)

    def full(*args: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(own_identity, "save_identity", full)
    with pytest.raises(OSError, match="No space"):
        own.change(credential="new")

    assert own.current.credential == load_identity(tmp_path).credential == "old"
