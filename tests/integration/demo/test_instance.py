"""What stands in the way of a start is said in one sentence."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from demo.instance import InstanceError, choose_port, instance_read, instance_write, only_instance
from demo.servers import Servers

ROOT = Path(__file__).resolve().parents[3]
SERVERS = Servers("postgres://user:secret@127.0.0.1/gemel", "redis://127.0.0.1")


def test_a_second_start_says_where_the_first_one_runs(tmp_path: Path) -> None:
    with only_instance(tmp_path):
        instance_write(tmp_path, "http://127.0.0.1:8000", SERVERS)
        with (
            pytest.raises(InstanceError, match=r"runs already at http://127\.0\.0\.1:8000 \(process"),
            only_instance(tmp_path),
        ):
            pass
        assert instance_read(tmp_path) is not None
    assert instance_read(tmp_path) is None


def test_the_note_with_passwords_is_for_its_owner_only(tmp_path: Path) -> None:
    with only_instance(tmp_path):
        instance_write(tmp_path, "http://127.0.0.1:8000", SERVERS)
        assert (tmp_path / "run" / "demo.json").stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("a file where a folder should be")
    with pytest.raises(InstanceError, match=f"{blocked}/var cannot be written"), only_instance(blocked / "var"):
        pass


def test_a_taken_port_gives_the_next_free_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert port < choose_port("127.0.0.1", port) < port + 50


def test_an_unwritable_clone_is_refused_without_a_traceback(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "bootstrap.py").write_text((ROOT / "demo" / "bootstrap.py").read_text())
    (tmp_path / ".setup.lock").mkdir()  # as good as a read-only folder, and root cannot write to it either
    ended = subprocess.run(
        [sys.executable, folder / "bootstrap.py", "run"], check=False, capture_output=True, text=True, env=os.environ
    )
    assert ended.returncode == 1
    assert "cannot be written to" in ended.stderr
    assert "Traceback" not in ended.stderr
